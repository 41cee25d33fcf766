fn main(){ let d=std::env::args().nth(1).unwrap(); let d=std::path::Path::new(&d);
 let r=hairpin_driver::report::Report::read(d).unwrap(); let s=hairpin_driver::snapshot::Snapshot::read_file(d).unwrap();
 hairpin_driver::page::write(&r,&s,d).unwrap(); }
