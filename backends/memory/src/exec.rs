//! Getting into things that run: nothing does.

use async_trait::async_trait;
use rhumb_backend::{Duplex, Error, ErrorKind, Exec, Interactive, Place, Result, Scope, Streams};

use crate::MemoryBackend;

#[async_trait]
impl Interactive for MemoryBackend {
    async fn exec(&self, _: &Scope, place: &Place, _: &Exec, _: Streams) -> Result<i32> {
        Err(nothing_runs("run the command", place))
    }

    async fn connect(&self, _: &Scope, place: &Place, _: u16) -> Result<Box<dyn Duplex>> {
        Err(nothing_runs("open the connection", place))
    }
}

fn nothing_runs(operation: &str, place: &Place) -> Error {
    Error::new(ErrorKind::Unsupported, operation, "the memory target keeps documents and runs nothing")
        .with("workload", &place.workload)
        .remedy("a target that runs containers: `rhumb target add`")
}
