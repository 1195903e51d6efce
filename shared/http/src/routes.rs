//! A function's routes, written once: for the function, and for the OpenAPI document.
//!
//! What describes a route is much code, and nobody asks a deployed function for it. So it is apart from the route, and
//! only a program that makes the document has it.
//!
//! ```
//! mod get_status {
//!     #[utoipa::path(get, path = "/order-history/status")]
//!     pub async fn get_status() {}
//! }
//!
//! fn router<R: http_api::Routes<()>>() -> R {
//!     R::default().routes(http_api::routes!(get_status::get_status))
//! }
//!
//! let served: axum::Router = router();
//! let described: utoipa_axum::router::OpenApiRouter = router();
//! assert!(described.into_openapi().paths.paths.contains_key("/order-history/status"));
//! ```

use axum::Router;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

#[doc(hidden)]
pub use utoipa_axum::{PathItemExt, paste, routes as described};

/// What routes are put into: a [`Router`], which serves them, or an [`OpenApiRouter`], which can also describe them.
pub trait Routes<S>: Default {
    /// Adds what [`routes!`](crate::routes!) has made of handlers.
    #[must_use]
    fn routes<A, D>(self, handlers: (A, D)) -> Self
    where
        A: FnOnce(Router<S>) -> Router<S>,
        D: FnOnce() -> UtoipaMethodRouter<S>;
}

impl<S: Clone + Send + Sync + 'static> Routes<S> for Router<S> {
    fn routes<A, D>(self, (add, _): (A, D)) -> Self
    where
        A: FnOnce(Self) -> Self,
        D: FnOnce() -> UtoipaMethodRouter<S>,
    {
        add(self)
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> for OpenApiRouter<S> {
    fn routes<A, D>(self, (_, describe): (A, D)) -> Self
    where
        A: FnOnce(Router<S>) -> Router<S>,
        D: FnOnce() -> UtoipaMethodRouter<S>,
    {
        Self::routes(self, describe())
    }
}

/// Handlers with `#[utoipa::path]`, each as its module and its name, for [`Routes::routes`]; those of one call are for
/// the same path.
#[macro_export]
macro_rules! routes {
    ($($module:ident :: $handler:ident),+ $(,)?) => {
        (
            |router| {
                use $crate::routes::PathItemExt as _;
                $(
                    let (path, methods) = $crate::routes::paste! {
                        (
                            <$module::[<__path_ $handler>] as ::utoipa::Path>::path(),
                            <$module::[<__path_ $handler>] as ::utoipa::Path>::methods(),
                        )
                    };
                    let router = methods.into_iter().fold(router, |router: ::axum::Router<_>, method| {
                        router.route(&path, ::axum::routing::on(method.to_method_filter(), $module::$handler))
                    });
                )+
                router
            },
            || $crate::routes::described!($($module::$handler),+),
        )
    };
}
