//! There is nothing in it but its tests.
