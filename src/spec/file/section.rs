//! One table of the file: typed access to its keys, with an error for every key and type that it does not know.

use std::ops::Range;

use toml_edit::{Item, TableLike, Value};

use super::{listed, nearest};
use crate::{
    error::{Error, Result},
    spec::{
        names::{Refused, shown},
        place::Source,
    },
};

/// A string of the file and where it stands, quotes included.
pub(super) struct Text {
    pub value: String,
    pub span: Range<usize>,
}

pub(super) struct Section<'a> {
    pub source: Source<'a>,
    /// As messages call it: `[mpi]`.
    title: String,
    table: Option<&'a dyn TableLike>,
}

impl<'a> Section<'a> {
    /// The table, after a look at its keys.
    pub fn of(source: Source<'a>, title: String, table: Option<&'a dyn TableLike>, known: &[&str]) -> Result<Self> {
        for (name, _) in table.into_iter().flat_map(TableLike::iter) {
            if known.contains(&name) {
                continue;
            }
            let span = table.and_then(|table| table.key(name)).and_then(toml_edit::Key::span).unwrap_or(0..0);
            let error = source.error(span, format!("unknown key `{}` in {title}", shown(name)));
            let error = match nearest(name, known.iter().copied()) {
                Some(key) => error.hinted(format!("Did you mean `{key}`?")),
                None => error,
            };
            return Err(error.hinted(format!("The keys of {title} are {}.", listed(known.iter().copied(), '`'))));
        }
        Ok(Self { source, title, table })
    }

    pub fn get(&self, key: &str) -> Option<&'a Item> {
        self.table.and_then(|table| table.get(key))
    }

    pub fn text(&self, key: &str) -> Result<Option<Text>> {
        match self.get(key) {
            None => Ok(None),
            Some(Item::Value(Value::String(text))) => {
                Ok(Some(Text { value: text.value().clone(), span: text.span().unwrap_or(0..0) }))
            }
            Some(other) => Err(self.wrong_type(key, other, "a text in quotes")),
        }
    }

    pub fn boolean(&self, key: &str) -> Result<Option<bool>> {
        match self.get(key) {
            None => Ok(None),
            Some(Item::Value(Value::Boolean(value))) => Ok(Some(*value.value())),
            Some(other) => Err(self.wrong_type(key, other, "true or false")),
        }
    }

    pub fn texts(&self, key: &str) -> Result<Option<Vec<Text>>> {
        let Some(item) = self.get(key) else { return Ok(None) };
        let Item::Value(Value::Array(array)) = item else {
            return Err(self.wrong_type(key, item, "a list of texts in quotes: [\"mpi4py\", \"numpy\"]"));
        };
        let text = |value: &Value| match value {
            Value::String(text) => Ok(Text { value: text.value().clone(), span: text.span().unwrap_or(0..0) }),
            other => Err(self.source.error(
                other.span().unwrap_or(0..0),
                format!("an entry of `{key}` in {} is a text in quotes, not {}", self.title, kind_of_value(other)),
            )),
        };
        array.iter().map(text).collect::<Result<_>>().map(Some)
    }

    pub fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Result<Option<T>> {
        let Some(Text { value, span }) = self.text(key)? else { return Ok(None) };
        if let Some((_, choice)) = choices.iter().find(|(word, _)| *word == value) {
            return Ok(Some(*choice));
        }
        let words = choices.iter().map(|(word, _)| *word);
        let error = self.source.error(span, format!("`{key}` in {} cannot be \"{}\"", self.title, shown(&value)));
        let error = match nearest(&value, words.clone()) {
            Some(word) => error.hinted(format!("Did you mean \"{word}\"?")),
            None => error,
        };
        Err(error.hinted(format!("`{key}` is one of {}.", listed(words, '"'))))
    }

    /// An error about a text that breaks a rule.
    pub fn refuse(&self, text: &Text, refused: Refused) -> Error {
        self.source.error(text.span.clone(), refused.what).hinted(refused.allowed)
    }

    pub fn wrong_type(&self, key: &str, item: &Item, wanted: &str) -> Error {
        let message = format!("`{key}` in {} is {wanted}, not {}", self.title, kind(item));
        self.source.error(item.span().unwrap_or(0..0), message)
    }
}

/// What a value is, for messages.
pub(super) fn kind(item: &Item) -> &'static str {
    match item {
        Item::None => "nothing",
        Item::Value(value) => kind_of_value(value),
        Item::Table(_) => "a table",
        Item::ArrayOfTables(_) => "a list of tables",
    }
}

fn kind_of_value(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a number",
        Value::Float(_) => "a number with a fraction",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::InlineTable(_) => "a table",
    }
}
