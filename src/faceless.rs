//! A node without a face: it keeps sites up to date, serves them, and does the work of other commands on this home.
//! Pages it shows only when somebody asks for them ([`desk::pages`](crate::desk::pages)).

use std::{io, path::PathBuf, pin::pin, sync::Arc};

use skep_publisher::swarm::{
    Event, Node,
    follow::{self, Timing},
};
use tokio::{
    runtime::Handle,
    sync::{OnceCell, mpsc, watch},
};

use crate::{
    commands::guests,
    context::Context,
    error::Result,
    events,
    remote::Socket,
    running::{Face, Later, Running},
    stop::stop_signal,
};

/// A node that is to run until it is told to end.
pub(crate) struct Faceless {
    /// What was started, such as `skep node`.
    pub(crate) name: &'static str,
    pub(crate) node: Arc<Node>,
    /// A folder for temporary files on the store's disk.
    pub(crate) scratch: PathBuf,
    /// What happens at the node: it is said.
    pub(crate) events: mpsc::Receiver<Event>,
}

impl Faceless {
    /// Runs until Ctrl-C, or until it is stopped as services are, then closes the node. `ready` is called when it
    /// has begun and can be stopped.
    pub(crate) async fn run(
        self,
        ctx: &Context,
        socket: io::Result<Socket>,
        ready: impl FnOnce(),
    ) -> Result<()> {
        let Self { node, .. } = self;
        let mut events = self.events;
        tokio::spawn(follow::keep_up(node.clone(), Timing::default()));
        let (stop, stopped) = watch::channel(false);
        let face = Arc::new(Face {
            pages: OnceCell::new(),
            later: Some(Later {
                ctx: ctx.clone(),
                stopped,
            }),
        });
        let running = Running {
            name: self.name,
            node: node.clone(),
            scratch: self.scratch,
            face: face.clone(),
            runtime: Handle::current(),
        };
        let serving = guests::serve(ctx, running, socket);
        let mut signal = pin!(stop_signal()?);
        ready();
        loop {
            tokio::select! {
                () = &mut signal => break,
                Some(event) = events.recv() => events::say(&ctx.out, &event),
            }
        }
        let _ = stop.send(true);
        if let Some(serving) = serving {
            serving.end().await;
        }
        if let Some(shop) = face.pages.get().and_then(|pages| pages.shop.as_ref()) {
            shop.stop_previews();
        }
        node.close().await;
        Ok(())
    }
}
