//! [`Desk`]: what runs beside a node while somebody writes or reads on this machine: the gateway, the control
//! pages, and the work for other commands on this home.

use std::{io, path::PathBuf, sync::Arc};

use skep_publisher::{
    gateway::{
        control::{Access, Control},
        local::{self, Gateway},
    },
    swarm::{
        Node, Ticket,
        follow::{self, Timing},
    },
};
use tokio::{net::TcpListener, runtime::Handle};

use crate::{
    commands::guests, context::Context, error::Result, remote::Socket, running::Running,
    workshop::Shop,
};

/// A node with its pages.
pub(crate) struct Desk {
    pub(crate) running: Running,
    pub(crate) shop: Arc<Shop>,
}

/// How a desk is set up.
pub(crate) struct Setting {
    /// What was started, such as `skep browse`.
    pub(crate) name: &'static str,
    /// A folder for temporary files on the store's disk.
    pub(crate) scratch: PathBuf,
    /// The port of the gateway.
    pub(crate) port: u16,
    /// Who is asked for sites that are not here.
    pub(crate) peers: Vec<Ticket>,
    /// Whether open tabs follow new versions.
    pub(crate) reload: bool,
}

impl Desk {
    /// Sets up what `node` is used with. It ends with the node.
    pub(crate) fn new(ctx: &Context, node: &Arc<Node>, setting: Setting) -> Result<Self> {
        let Setting { port, .. } = setting;
        let access = Access::of(&ctx.home)?;
        tokio::spawn(follow::keep_up(node.clone(), Timing::default()));
        let shop = Arc::new(Shop::new(ctx, node, setting.scratch.clone(), port));
        tokio::spawn(shop.clone().keep_counting(node.news()));
        let control = Control::new(access.clone(), shop.clone(), &ctx.home, &node.store);
        let gateway = Gateway::new(node.clone(), setting.peers, port);
        let gateway = gateway.with_control(Arc::new(control));
        let gateway = Arc::new(match setting.reload {
            true => gateway,
            false => gateway.without_reload(),
        });
        let running = Running {
            name: setting.name,
            node: node.clone(),
            scratch: setting.scratch,
            gateway,
            access: Some(access),
            shop: Some(shop.clone()),
            runtime: Handle::current(),
        };
        Ok(Self { running, shop })
    }

    /// Serves pages and commands until `stop`, then closes the node. `ready` is called when it has begun.
    pub(crate) async fn serve(
        self,
        ctx: &Context,
        socket: io::Result<Socket>,
        listener: TcpListener,
        ready: impl FnOnce(&Self),
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<()> {
        let Running { node, gateway, .. } = self.running.clone();
        let serving = guests::serve(ctx, self.running.clone(), socket);
        ready(&self);
        let served = local::serve(gateway, listener, stop).await;
        if let Some(serving) = serving {
            serving.end().await;
        }
        self.shop.stop_previews();
        node.close().await;
        Ok(served?)
    }
}
