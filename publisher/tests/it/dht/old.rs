//! Nodes of the DHT as most of them are: they know BEP 5 and BEP 44, and to any other method they answer that they
//! do not know it. Some of them lie.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::{net::UdpSocket, sync::watch, task::JoinHandle};

use super::bencode::{Dict, Value};

/// What one of them answers to a `get` of this target, in the place of what is right.
pub(super) type Lie = Arc<dyn Fn(&[u8]) -> Option<Dict> + Send + Sync>;

/// Such nodes, who know each other and whoever has called one of them.
pub(super) struct Old {
    shared: Arc<Mutex<Shared>>,
    /// How many items were stored.
    pub(super) stored: watch::Receiver<usize>,
    stores: watch::Sender<usize>,
    tasks: Vec<JoinHandle<()>>,
    pub(super) bootstrap: Vec<String>,
}

#[derive(Default)]
struct Shared {
    /// Those who can be called.
    nodes: Vec<([u8; 20], SocketAddrV4)>,
    /// What all of them have, by target.
    items: HashMap<Vec<u8>, Dict>,
    /// How many queries came.
    queries: usize,
    /// How many items were stored.
    stored: usize,
}

impl Old {
    pub(super) async fn new(count: u8) -> Self {
        let (stores, stored) = watch::channel(0);
        let mut this = Self {
            shared: Arc::default(),
            stored,
            stores,
            tasks: Vec::new(),
            bootstrap: Vec::new(),
        };
        for _ in 0..count {
            this.add(None).await;
        }
        this
    }

    /// One more, which may lie.
    pub(super) async fn add(&mut self, lie: Option<Lie>) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let SocketAddr::V4(address) = socket.local_addr().unwrap() else {
            unreachable!("bound to an address of version 4")
        };
        let id = blake3::hash(address.to_string().as_bytes());
        let id: [u8; 20] = id.as_bytes()[..20].try_into().unwrap();
        self.bootstrap.push(address.to_string());
        self.shared().nodes.push((id, address));
        let (shared, stores) = (self.shared.clone(), self.stores.clone());
        self.tasks.push(tokio::spawn(async move {
            let mut buffer = [0; 4096];
            loop {
                let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
                let Some(Value::Dict(query)) = Value::decode(&buffer[..length]) else {
                    continue;
                };
                let before = shared.lock().unwrap().stored;
                let answer = answer(&mut shared.lock().unwrap(), id, &query, from, lie.as_ref());
                let after = shared.lock().unwrap().stored;
                // Whoever is told looks at what is shared.
                stores.send_if_modified(|stored| {
                    *stored = after.max(*stored);
                    after > before
                });
                if let Some(answer) = answer {
                    let _ = socket.send_to(&answer.encode(), from).await;
                }
            }
        }));
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }

    /// How many queries came so far.
    pub(super) fn queries(&self) -> usize {
        self.shared().queries
    }

    /// The value of an item that lies here.
    pub(super) fn value(&self, target: &[u8]) -> Option<Vec<u8>> {
        match self.shared().items.get(target)?.get(&b"v"[..]) {
            Some(Value::Bytes(value)) => Some(value.clone()),
            _ => None,
        }
    }
}

impl Drop for Old {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

fn answer(
    shared: &mut Shared,
    id: [u8; 20],
    query: &Dict,
    from: SocketAddr,
    lie: Option<&Lie>,
) -> Option<Value> {
    let (Value::Bytes(method), Value::Dict(arguments)) =
        (query.get(&b"q"[..])?, query.get(&b"a"[..])?)
    else {
        return None;
    };
    shared.queries += 1;
    if query.get(&b"ro"[..]) != Some(&Value::Integer(1))
        && let (Value::Bytes(other), SocketAddr::V4(from)) = (arguments.get(&b"id"[..])?, from)
        && shared.nodes.iter().all(|(_, address)| *address != from)
    {
        shared.nodes.push((other[..].try_into().ok()?, from));
    }
    let mut r = Dict::from([(b"id".to_vec(), Value::bytes(id))]);
    let nodes: Vec<u8> = shared
        .nodes
        .iter()
        .flat_map(|(id, address)| {
            let port = address.port().to_be_bytes();
            [&id[..], &address.ip().octets(), &port].concat()
        })
        .collect();
    let mut error = None;
    match &method[..] {
        b"ping" => {}
        b"find_node" => drop(r.insert(b"nodes".to_vec(), Value::Bytes(nodes))),
        b"get" | b"get_peers" => {
            r.insert(b"nodes".to_vec(), Value::Bytes(nodes));
            r.insert(b"token".to_vec(), Value::bytes("token"));
            if let Some(Value::Bytes(target)) = arguments.get(&b"target"[..]) {
                let found = match lie.and_then(|lie| lie(target)) {
                    Some(lie) => Some(lie),
                    None => shared.items.get(target).cloned(),
                };
                r.extend(found.into_iter().flatten());
            }
        }
        b"announce_peer" => {}
        b"put" => error = put(shared, arguments),
        _ => error = Some((204, "Method Unknown")),
    }
    let mut message = Dict::from([(b"t".to_vec(), query.get(&b"t"[..])?.clone())]);
    let (kind, key, value) = match error {
        None => ("r", "r", Value::Dict(r)),
        Some((code, why)) => {
            let list = vec![Value::Integer(code), Value::bytes(why)];
            ("e", "e", Value::List(list))
        }
    };
    message.insert(b"y".to_vec(), Value::bytes(kind));
    message.insert(key.as_bytes().to_vec(), value);
    Some(Value::Dict(message))
}

fn put(shared: &mut Shared, arguments: &Dict) -> Option<(i64, &'static str)> {
    let Some(Value::Bytes(key)) = arguments.get(&b"k"[..]) else {
        return Some((203, "only mutable items"));
    };
    let salt = match arguments.get(&b"salt"[..]) {
        Some(Value::Bytes(salt)) => Some(&salt[..]),
        _ => None,
    };
    let target = super::target(&key[..].try_into().unwrap(), salt);
    let sequence = |item: &Dict| match item.get(&b"seq"[..]) {
        Some(Value::Integer(sequence)) => *sequence,
        _ => i64::MIN,
    };
    let old = shared.items.get(&target).map_or(i64::MIN, sequence);
    if sequence(arguments) < old {
        return Some((302, "sequence number less than current"));
    }
    let parts = ["k", "seq", "sig", "v"].map(str::as_bytes);
    let item = arguments
        .iter()
        .filter(|(key, _)| parts.contains(&&key[..]));
    let item = item.map(|(key, value)| (key.clone(), value.clone()));
    shared.items.insert(target, item.collect());
    shared.stored += 1;
    None
}
