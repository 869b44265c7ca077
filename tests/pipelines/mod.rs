//! The pipelines of `fixtures/pipelines`: what must stand in their files, and their shell steps run
//! as the services run them, against a bare repository, each job on a runner that is born empty.

mod commit;
mod crash;
mod files;
mod ledger;
mod runner;
mod way;
mod world;
