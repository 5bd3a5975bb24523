//! [`Desk`]: what runs beside a node while somebody writes or reads on this machine: the gateway, the control
//! pages, and the work for other commands on this home. A node without a face opens the pages when somebody asks
//! for them ([`pages`]).

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use skep_publisher::{
    gateway::{
        self,
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
    commands::guests,
    context::Context,
    error::{CliError, Result},
    remote::Socket,
    running::{Face, Pages, Running},
    workshop::Shop,
};

/// A node with its pages.
pub(crate) struct Desk {
    pub(crate) running: Running,
    pub(crate) pages: Pages,
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
        tokio::spawn(follow::keep_up(node.clone(), Timing::default()));
        let Setting { port, peers, .. } = setting;
        let (pages, shop) = set_up(ctx, node, &setting.scratch, port, peers, setting.reload)?;
        let running = Running {
            name: setting.name,
            node: node.clone(),
            scratch: setting.scratch,
            face: Face::of(pages.clone()),
            runtime: Handle::current(),
        };
        Ok(Self {
            running,
            pages,
            shop,
        })
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
        let node = self.running.node.clone();
        let gateway = self.pages.gateway.clone();
        let serving = guests::serve(ctx, self.running.clone(), socket);
        ready(&self);
        local::serve(gateway, listener, stop).await;
        if let Some(serving) = serving {
            serving.end().await;
        }
        self.shop.stop_previews();
        node.close().await;
        Ok(())
    }
}

/// Sets up the pages of `node`; they are served by whoever has a listener for them.
fn set_up(
    ctx: &Context,
    node: &Arc<Node>,
    scratch: &Path,
    port: u16,
    peers: Vec<Ticket>,
    reload: bool,
) -> Result<(Pages, Arc<Shop>)> {
    let access = Access::of(&ctx.home)?;
    let shop = Arc::new(Shop::new(ctx, node, scratch.to_owned(), port));
    tokio::spawn(shop.clone().keep_counting(node.news()));
    let control = Control::new(access.clone(), shop.clone(), &ctx.home, &node.store);
    let gateway = Gateway::new(node.clone(), peers, port).with_control(Arc::new(control));
    let gateway = Arc::new(match reload {
        true => gateway,
        false => gateway.without_reload(),
    });
    let pages = Pages {
        gateway,
        access: Some(access),
        shop: Some(shop.clone()),
    };
    Ok((pages, shop))
}

/// The pages of the node that runs here. One without a face opens them now, at `port` or where they belong, and
/// keeps them until it ends.
pub(crate) async fn pages(running: &Running, port: Option<u16>) -> Result<&Pages> {
    let Running { node, face, .. } = running;
    let open = || async {
        let Some(later) = &face.later else {
            let message = format!("`{}` shows no pages", running.name);
            return Err(CliError::failed("no-pages", message));
        };
        let listener = local::listen(port, later.ctx.network).await?;
        let port = gateway::port_of(&listener)?;
        let scratch = &running.scratch;
        let (pages, shop) = set_up(&later.ctx, node, scratch, port, Vec::new(), true)?;
        let (gateway, mut stopped) = (pages.gateway.clone(), later.stopped.clone());
        tokio::spawn(async move {
            // If the sender is gone, so is the command.
            let stop = async move { drop(stopped.wait_for(|stop| *stop).await) };
            local::serve(gateway, listener, stop).await;
            shop.stop_previews();
        });
        Ok(pages)
    };
    face.pages.get_or_try_init(open).await
}
