//! The ledger's bucket, behind the service's back.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;

use crate::support::Stack;

/// The bucket, with the rights of the account's owner.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    client: Client,
    name: &'static str,
}

impl Bucket {
    pub(super) async fn new() -> Self {
        let stack = Stack::get();
        // A bucket's name as a part of the host name needs a DNS that knows it, which a local endpoint has not.
        let config = Builder::from(&stack.aws().await).force_path_style(true).build();
        Self { client: Client::from_conf(config), name: stack.output("LedgerBucketName") }
    }

    /// What is at this key, which must be there.
    pub(super) async fn get(&self, key: &str) -> Vec<u8> {
        let object = self.client.get_object().bucket(self.name).key(key).send().await;
        let object = object.unwrap_or_else(|error| panic!("there is no {key}: {error:?}"));
        object.body.collect().await.unwrap().to_vec()
    }

    /// Puts something in its place, whatever is there.
    pub(super) async fn put(&self, key: &str, bytes: Vec<u8>) {
        let put = self.client.put_object().bucket(self.name).key(key).body(bytes.into());
        put.send().await.unwrap_or_else(|error| panic!("{key} cannot be put: {error:?}"));
    }

    pub(super) async fn delete(&self, key: &str) {
        self.client.delete_object().bucket(self.name).key(key).send().await.unwrap();
    }
}
