pub(crate) mod for_loop;
mod price;
mod stack;
pub(crate) mod state;

pub(crate) mod interpreter;
