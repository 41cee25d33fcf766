// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// What the Verilated runtime calls when the design stops: the message is kept for the simulator and
// the evaluation is left by an exception, so that a failed assertion is an error and not an abort.

#include <cstdarg>
#include <cstdio>

#include "hp_runtime.h"
#include "verilated.h"

namespace {
thread_local std::string printed;
}

std::string hp_take_printed() {
  std::string text;
  text.swap(printed);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::mutex& hp_creation() {
  static std::mutex mutex;
  return mutex;
}

extern "C" int hp_vl_printf(const char* format, ...) {
  char line[2048];
  va_list args;
  va_start(args, format);
  const int n = std::vsnprintf(line, sizeof line, format, args);
  va_end(args);
  if (printed.size() < 65536) printed += line;
  return n;
}

void vl_finish(const char* file, int line, const char*) {
  throw HpStop(std::string("$finish at ") + file + ":" + std::to_string(line));
}

void vl_stop(const char* file, int line, const char*) {
  throw HpStop(std::string("$stop at ") + file + ":" + std::to_string(line));
}

void vl_fatal(const char* file, int line, const char*, const char* message) {
  throw HpStop(std::string(message) + " at " + (file ? file : "?") + ":" + std::to_string(line));
}
