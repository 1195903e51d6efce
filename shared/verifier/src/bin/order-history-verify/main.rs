//! `order-history-verify`: checks what an order history gives out.

fn main() {}
