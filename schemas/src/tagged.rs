//! Reading enums that name their variant in a field, without a detour.
//!
//! The reader that serde derives for `#[serde(tag = …)]` keeps all fields in a buffer until it has seen the tag, and reads the
//! variant out of that; of nested enums once more for each level. What we write has the tag first: then the variant is read
//! as it comes. Where the tag stands elsewhere, the derived reader reads it. (A number in place of the name, which that one takes
//! for the variant's place in the enum, is refused.)

use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeSeed, EnumAccess, Error, IgnoredAny, MapAccess, VariantAccess, Visitor,
        value::{CowStrDeserializer, MapAccessDeserializer},
    },
};
use std::{borrow::Cow, fmt, marker::PhantomData};

/// Declares an enum whose variants are named by a field: `tagged! { "op", rename_all = "snake_case"; enum … }`.
///
/// It is written and described as with `#[serde(tag = "op", rename_all = "snake_case")]`, and read as the module says.
macro_rules! tagged {
    ($tag:literal $(, $rename:ident = $case:literal)*; $(#[$meta:meta])* $vis:vis enum $name:ident { $($variants:tt)* }) => {
        $(#[$meta])*
        #[derive(serde::Serialize)]
        #[serde(tag = $tag $(, $rename = $case)*)]
        $vis enum $name { $($variants)* }

        const _: () = {
            type Target = $name;

            #[derive(serde::Deserialize)]
            #[serde(remote = "Target" $(, $rename = $case)*)]
            #[allow(dead_code, missing_docs, clippy::enum_variant_names)]
            enum Named { $($variants)* }

            #[derive(serde::Deserialize)]
            #[serde(remote = "Target", tag = $tag $(, $rename = $case)*)]
            #[allow(dead_code, missing_docs, clippy::enum_variant_names)]
            enum Buffered { $($variants)* }

            impl $crate::tagged::Tagged for $name {
                const TAG: &'static str = $tag;

                fn named<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    Named::deserialize(deserializer)
                }

                fn buffered<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    Buffered::deserialize(deserializer)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    $crate::tagged::read(deserializer)
                }
            }
        };
    };
}
pub(crate) use tagged;

/// An enum with a tag, and its derived readers.
pub(crate) trait Tagged: Sized {
    /// The field that names the variant.
    const TAG: &'static str;
    /// Reads an enum whose variants are named from outside.
    fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
    /// Reads an object whose tag stands anywhere.
    fn buffered<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// Reads an enum from an object with its tag.
pub(crate) fn read<'de, T: Tagged, D: Deserializer<'de>>(object: D) -> Result<T, D::Error> {
    object.deserialize_map(Object(PhantomData))
}

/// Looks at the first field.
struct Object<T>(PhantomData<T>);

impl<'de, T: Tagged> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with `{}`", T::TAG)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        match map.next_key()? {
            Some(Key(first)) if first == T::TAG => T::named(Variant { tag: T::TAG, rest: map }),
            first => T::buffered(MapAccessDeserializer::new(Whole { first, rest: map })),
        }
    }
}

/// The name of a field, in place where it can be.
struct Key<'de>(Cow<'de, str>);

impl<'de> Key<'de> {
    fn give<S: DeserializeSeed<'de>, E: Error>(self, seed: S) -> Result<S::Value, E> {
        seed.deserialize(CowStrDeserializer::new(self.0))
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a field")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(name)))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_identifier(Name)
    }
}

/// An object of whose fields the first name has been read.
struct Whole<'de, A> {
    first: Option<Key<'de>>,
    rest: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Whole<'de, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        match self.first.take() {
            Some(first) => first.give(seed).map(Some),
            None => self.rest.next_key_seed(seed),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.rest.next_value_seed(seed)
    }
}

/// A variant whose name comes next, as the value of the tag, and whose other fields come after that.
struct Variant<A> {
    tag: &'static str,
    rest: A,
}

impl<'de, A: MapAccess<'de>> Deserializer<'de> for Variant<A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_enum(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, A: MapAccess<'de>> EnumAccess<'de> for Variant<A> {
    type Error = A::Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(mut self, seed: S) -> Result<(S::Value, Self), A::Error> {
        Ok((self.rest.next_value_seed(seed)?, self))
    }
}

impl<'de, A: MapAccess<'de>> VariantAccess<'de> for Variant<A> {
    type Error = A::Error;

    fn unit_variant(mut self) -> Result<(), A::Error> {
        while self.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        seed.deserialize(MapAccessDeserializer::new(self))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_map(self)
    }

    /// Has no place for a tag: serde refuses to derive it.
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, A::Error> {
        Err(A::Error::custom("a sequence has no tag"))
    }
}

/// The other fields. The tag must not stand among them once more.
impl<'de, A: MapAccess<'de>> MapAccess<'de> for Variant<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let Some(key) = self.rest.next_key::<Key<'de>>()? else { return Ok(None) };
        if key.0 == self.tag {
            return Err(A::Error::duplicate_field(self.tag));
        }
        key.give(seed).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.rest.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Serialize;
    use serde_json::Value;

    /// The same enum twice: as serde derives it, and as it is read here.
    macro_rules! twice {
        ($($item:tt)*) => {
            mod derived {
                use super::*;
                #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
                #[serde(tag = "op", rename_all = "snake_case", rename_all_fields = "camelCase")]
                pub enum Thing { $($item)* }
            }
            mod streamed {
                use super::*;
                tagged! {
                    "op", rename_all = "snake_case", rename_all_fields = "camelCase";
                    #[derive(Debug, Clone, PartialEq)]
                    pub enum Thing { $($item)* }
                }
            }
        };
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Inner {
        a: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        b: Option<Box<Inner>>,
        #[serde(default)]
        any: serde_json::Map<String, Value>,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Strict {
        a: i64,
    }

    twice! {
        Nothing,
        Wrapped(Inner),
        Boxed(Box<Inner>),
        OnlyKnown(Strict),
        Named { first_field: Option<String>, a: u32, #[serde(default)] b: Vec<bool>, inner: Option<Box<Thing>> },
    }

    /// Fields by their names, in any order, some twice, some unknown, some of the wrong type, with a tag somewhere or none.
    fn object(depth: u32) -> BoxedStrategy<String> {
        let tag = prop::sample::select(vec!["nothing", "wrapped", "boxed", "only_known", "named", "Named", "other"]);
        let tag = tag.prop_map(|tag| ("op".to_owned(), format!("{tag:?}")));
        let leaf = prop::sample::select(vec!["0", "7", "-1", "18446744073709551615", "1.5", "null", "true", "[]"]);
        let leaf = leaf.prop_map(str::to_owned);
        let text = prop::sample::select(vec!["\"x\"", "\"\\u00e9\\n\"", "[true,false]", "{}"]).prop_map(str::to_owned);
        let value = if depth == 0 {
            prop_oneof![leaf, text].boxed()
        } else {
            prop_oneof![4 => leaf, 1 => text, 2 => object(depth - 1)].boxed()
        };
        let name = prop::sample::select(vec!["a", "a", "b", "any", "firstField", "inner", "\\u0061", "unknown"]);
        let field = (name, value).prop_map(|(name, value)| (name.to_owned(), value));
        let tags = prop_oneof![1 => prop::collection::vec(tag.clone(), 0..3), 6 => prop::collection::vec(tag, 1)];
        (tags, prop::collection::vec(field, 0..4))
            .prop_flat_map(|(tags, fields)| Just([tags, fields].concat()).prop_shuffle())
            .prop_map(|fields| {
                let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            })
            .boxed()
    }

    /// What a reader makes of a text, and how that is written again; of an error only that it is one, as the text of some
    /// names the place, which a buffer loses.
    fn read<'t, T: Deserialize<'t> + Serialize + fmt::Debug>(text: &'t str) -> Option<(String, String)> {
        let thing = serde_json::from_str::<T>(text).ok()?;
        Some((format!("{thing:?}"), serde_json::to_string(&thing).expect("plain data")))
    }

    fn error(text: &str) -> [String; 2] {
        let told = |error: serde_json::Error| error.to_string().split(" at line").next().unwrap_or_default().to_owned();
        [
            told(serde_json::from_str::<derived::Thing>(text).expect_err("refused")),
            told(serde_json::from_str::<streamed::Thing>(text).expect_err("refused")),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn reads_what_the_derived_reader_reads(text in object(2)) {
            prop_assert_eq!(read::<streamed::Thing>(&text), read::<derived::Thing>(&text));
        }
    }

    #[test]
    fn the_tag_may_stand_anywhere() {
        let [first, middle, last] = [
            r#"{"op":"named","a":1,"b":[true],"firstField":"x"}"#,
            r#"{"a":1,"op":"named","b":[true],"firstField":"x"}"#,
            r#"{"a":1,"b":[true],"firstField":"x","op":"named"}"#,
        ];
        let named = streamed::Thing::Named { first_field: Some("x".to_owned()), a: 1, b: vec![true], inner: None };
        for text in [first, middle, last] {
            assert_eq!(serde_json::from_str::<streamed::Thing>(text).expect("readable"), named, "{text}");
            assert!(read::<derived::Thing>(text).is_some(), "{text}");
        }
    }

    #[test]
    fn refusals_are_told_like_the_derived_ones() {
        let refused = [
            r#"{"op":"other","a":1}"#,
            r#"{"a":1,"op":"other"}"#,
            r#"{"a":1}"#,
            r#"{"op":"nothing","op":"nothing"}"#,
            r#"{"a":1,"op":"named","op":"named"}"#,
            r#"{"op":"wrapped"}"#,
            r#"{"op":"only_known","a":1,"c":1}"#,
            r#"{"op":"named","a":1,"a":2}"#,
            r#"{"a":1,"a":2,"op":"named"}"#,
            r#"{"a":1,"b":{"a":1,"a":2},"op":"wrapped"}"#,
        ];
        for text in refused {
            let [derived, streamed] = error(text);
            assert_eq!(streamed, derived, "{text}");
        }
    }
}
