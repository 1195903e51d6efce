//! Text parameters, of a path or a query, read into typed values.
//!
//! Strict, because a filter that is misspelt and ignored answers with too much: a name that is unknown
//! or repeated is refused. Every error carries the parameter's name and never its value; serde's own
//! messages would repeat it.

use std::fmt::{self, Display};

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::problem::Problem;

/// Why parameters were refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    parameter: Option<String>,
    detail: String,
}

impl Refused {
    pub(crate) fn named(name: &str, detail: impl Into<String>) -> Self {
        Self { parameter: Some(name.to_owned()), detail: detail.into() }
    }

    fn unnamed(detail: impl Into<String>) -> Self {
        Self { parameter: None, detail: detail.into() }
    }

    fn or_named(mut self, name: &str) -> Self {
        self.parameter.get_or_insert_with(|| name.to_owned());
        self
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::parameter(refused.parameter.as_deref().unwrap_or("(unnamed)"), refused.detail)
    }
}

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Refused {}

/// Serde's wordings, less the value.
impl de::Error for Refused {
    fn custom<T: Display>(message: T) -> Self {
        Self::unnamed(message.to_string())
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::unnamed(format!("must be {expected}"))
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::unnamed(format!("must be {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::unnamed(format!("must be one of {}", expected.join(", ")))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        unknown(field, expected)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::named(field, "is required")
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::named(field, "must be given once")
    }
}

/// A name from the client is repeated in the answer only when it is short and plain.
fn unknown(field: &str, expected: &[&str]) -> Refused {
    let plain = field.len() <= 64 && field.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    let detail = if expected.is_empty() {
        "is not known; there are no parameters here".to_owned()
    } else {
        format!("is not known; there are {}", expected.join(", "))
    };
    Refused::named(if plain { field } else { "(unnamed)" }, detail)
}

/// Names and values, in order.
pub(crate) struct Pairs<'a>(pub(crate) &'a [(String, String)]);

impl<'a> Pairs<'a> {
    /// Reads them into a `T`: a struct with a field for each, or for paths a single value or a tuple.
    pub(crate) fn read<T: de::Deserialize<'a>>(self) -> Result<T, Refused> {
        for (index, (name, _)) in self.0.iter().enumerate() {
            if self.0[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(Refused::named(name, "must be given once"));
            }
        }
        let only = if let [(name, _)] = self.0 { Some(name) } else { None };
        // A single value is checked by its own type, which knows no name.
        T::deserialize(self).map_err(|refused| match only {
            Some(name) => refused.or_named(name),
            None => refused,
        })
    }

    fn single(self) -> Result<(&'a str, Text<'a>), Refused> {
        match self.0 {
            [(name, value)] => Ok((name, Text(value))),
            _ => Err(Refused::unnamed("there must be one parameter")),
        }
    }
}

macro_rules! single {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
            let (name, text) = self.single()?;
            text.$method(visitor).map_err(|refused| refused.or_named(name))
        }
    )*};
}

impl<'de> Deserializer<'de> for Pairs<'de> {
    type Error = Refused;

    single! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_str deserialize_string
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        if let Some((name, _)) = self.0.iter().find(|(name, _)| !fields.contains(&name.as_str())) {
            return Err(unknown(name, fields));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_map(Walk { rest: self.0.iter(), value: None })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_seq(Walk { rest: self.0.iter(), value: None })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self.0.first() {
            Some((name, _)) => Err(unknown(name, &[])),
            None => visitor.visit_unit(),
        }
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char bytes byte_buf option unit_struct seq tuple_struct map enum identifier ignored_any
    }
}

struct Walk<'a> {
    rest: std::slice::Iter<'a, (String, String)>,
    value: Option<&'a (String, String)>,
}

impl<'de> MapAccess<'de> for Walk<'de> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refused> {
        self.value = self.rest.next();
        let key =
            |(name, _): &'de (String, String)| -> StrDeserializer<'de, Refused> { name.as_str().into_deserializer() };
        self.value.map(|pair| seed.deserialize(key(pair))).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refused> {
        let (name, value) = self.value.take().ok_or_else(|| Refused::unnamed("a value was read before its name"))?;
        seed.deserialize(Text(value)).map_err(|refused| refused.or_named(name))
    }
}

impl<'de> SeqAccess<'de> for Walk<'de> {
    type Error = Refused;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Refused> {
        let read = |(name, value): &'de (String, String)| {
            seed.deserialize(Text(value)).map_err(|refused| refused.or_named(name))
        };
        self.rest.next().map(read).transpose()
    }
}

/// One value.
struct Text<'a>(&'a str);

macro_rules! parsed {
    ($($method:ident => $visit:ident, $expected:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
            visitor.$visit(self.0.parse().map_err(|_| Refused::unnamed(concat!("must be ", $expected)))?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = Refused;

    parsed! {
        deserialize_bool => visit_bool, "true or false";
        deserialize_i8 => visit_i8, "a whole number";
        deserialize_i16 => visit_i16, "a whole number";
        deserialize_i32 => visit_i32, "a whole number";
        deserialize_i64 => visit_i64, "a whole number";
        deserialize_u8 => visit_u8, "a whole number, not negative";
        deserialize_u16 => visit_u16, "a whole number, not negative";
        deserialize_u32 => visit_u32, "a whole number, not negative";
        deserialize_u64 => visit_u64, "a whole number, not negative";
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let variant: StrDeserializer<'de, Refused> = self.0.into_deserializer();
        visitor.visit_enum(variant)
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use domain::ids::OrderId;
    use domain::time::Timestamp;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Order {
        Sequence,
        OccurredAt,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Filter {
        order_id: Option<OrderId>,
        from: Option<Timestamp>,
        order: Option<Order>,
        #[serde(default)]
        count: u16,
    }

    fn read<T: for<'de> Deserialize<'de>>(pairs: &[(&str, &str)]) -> Result<T, Refused> {
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Pairs(&pairs).read()
    }

    #[test]
    fn values_arrive_typed() {
        let filter: Filter = read(&[("order_id", "o-1"), ("order", "occurred_at"), ("count", "7")]).unwrap();
        let expected =
            Filter { order_id: Some("o-1".parse().unwrap()), from: None, order: Some(Order::OccurredAt), count: 7 };
        assert_eq!(filter, expected);
        assert_eq!(read::<OrderId>(&[("order_id", "o-1")]).unwrap().as_str(), "o-1");
        let (a, b): (OrderId, u32) = read(&[("order_id", "o-1"), ("version", "3")]).unwrap();
        assert_eq!((a.as_str(), b), ("o-1", 3));
        read::<()>(&[]).unwrap();
    }

    /// The query, the parameter that is named, and a part of what is said about it.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

    #[test]
    fn refusals_name_the_parameter_and_never_its_value() {
        let cases: [Case<'_>; 7] = [
            (&[("oder_id", "SECRET")], "oder_id", "is not known; there are order_id, from, order, count"),
            (&[("count", "1"), ("count", "2")], "count", "must be given once"),
            (&[("count", "-1")], "count", "must be a whole number, not negative"),
            (&[("count", "99999999999")], "count", "must be a whole number, not negative"),
            (&[("order", "SECRET")], "order", "must be one of sequence, occurred_at"),
            (&[("order_id", "SECRET /")], "order_id", "must consist of"),
            (&[("from", "SECRET")], "from", "RFC 3339"),
        ];
        for (pairs, parameter, detail) in cases {
            let refused = read::<Filter>(pairs).unwrap_err();
            assert_eq!(refused.parameter.as_deref(), Some(parameter));
            assert!(refused.detail.contains(detail), "{pairs:?}: {}", refused.detail);
            assert!(!refused.detail.contains("SECRET"), "{}", refused.detail);
        }
        assert_eq!(read::<OrderId>(&[("order_id", "")]).unwrap_err().parameter.as_deref(), Some("order_id"));
        assert_eq!(read::<()>(&[("x", "")]).unwrap_err().parameter.as_deref(), Some("x"));
    }
}
