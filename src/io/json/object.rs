use super::array::Builder;
use crate::io::Values;
use crate::io::values::given_twice;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// Reads the text of one object.
pub(super) fn read(text: &str) -> Result<Values, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let mut variables = Values::default();
    reader.deserialize_any(TopLevel(&mut variables))?;
    reader.end()?;
    Ok(variables)
}

struct TopLevel<'a>(&'a mut Values);

impl<'de> Visitor<'de> for TopLevel<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of variables")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        read_object(map, None, self.0)
    }
}

/// Adds what an object holds; inside the tuple `tuple` the names get it as a prefix.
fn read_object<'de, A: MapAccess<'de>>(
    mut map: A,
    tuple: Option<&str>,
    variables: &mut Values,
) -> Result<(), A::Error> {
    let mut keys = HashSet::new();
    while let Some(key) = map.next_key::<String>()? {
        let name = tuple.map_or_else(|| key.clone(), |tuple| format!("{tuple}.{key}"));
        if !keys.insert(key) {
            return Err(A::Error::custom(given_twice(&name)));
        }
        let mut builder = Builder::new(name);
        map.next_value_seed(Element { builder: &mut builder, depth: 0, variables })?;
        if let Some((name, variable)) = builder.finish() {
            variables.add(name, variable).map_err(A::Error::custom)?;
        }
    }
    Ok(())
}

/// A value at some depth of nested arrays; one at depth 0 may be a tuple, whose parts are variables of their own.
struct Element<'a> {
    builder: &'a mut Builder,
    depth: usize,
    variables: &'a mut Values,
}

impl Element<'_> {
    fn number<E: Error>(self, value: f64) -> Result<(), E> {
        self.builder.number(self.depth, value).map_err(E::custom)
    }

    fn refuse<E: Error>(&self, got: &str) -> Result<(), E> {
        let what = format!("expected a number or an array of numbers, got {got}");
        Err(E::custom(self.builder.complaint(self.depth, &what)))
    }
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or an array of numbers")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.number(value as f64)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.number(value as f64)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.number(value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        match text {
            "NaN" => self.number(f64::NAN),
            "Inf" | "+Inf" | "Infinity" | "+Infinity" => self.number(f64::INFINITY),
            "-Inf" | "-Infinity" => self.number(f64::NEG_INFINITY),
            _ => self.refuse(&format!("the string {text:?}")),
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.refuse(if value { "true" } else { "false" })
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.refuse("null")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Self { builder, depth, variables } = self;
        builder.open(depth).map_err(A::Error::custom)?;
        while elements
            .next_element_seed(Element { builder: &mut *builder, depth: depth + 1, variables: &mut *variables })?
            .is_some()
        {
            builder.advance(depth);
        }
        builder.close(depth).map_err(A::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        if self.depth > 0 {
            return self.refuse("an object (arrays of tuples are not supported)");
        }
        read_object(map, Some(self.builder.name()), self.variables)
    }
}
