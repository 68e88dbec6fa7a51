//! The fields of a line: each read as what it must be, or refused with the mend.

use mapi_session_spec::event::ThreadId;
use serde_json::Value;
use strsim::levenshtein;

use super::{Fields, Read, Reader};

/// An object in which no field comes twice: which of the two is meant, nobody knows.
pub(super) struct Once(pub(super) Fields);

impl<'de> serde::Deserialize<'de> for Once {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Once;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut access: A) -> Result<Once, A::Error> {
                let mut fields = Fields::new();
                while let Some((key, value)) = access.next_entry::<String, Value>()? {
                    if fields.contains_key(&key) {
                        return Err(serde::de::Error::custom(format!("the field {key:?} comes twice")));
                    }
                    fields.insert(key, value);
                }
                Ok(Once(fields))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

impl Reader {
    pub(super) fn only(&self, fields: &Fields, known: &[&str]) -> Read<()> {
        for key in fields.keys() {
            if !known.contains(&key.as_str()) && !key.starts_with("x-") {
                let near = known.iter().min_by_key(|other| levenshtein(key, other));
                let mend = match near {
                    Some(near) if levenshtein(key, near) <= 3 => format!("did you mean {near:?}?"),
                    _ => format!("one of {}", known.join(", ")),
                };
                return Err(self.error(&format!("unknown field {key:?}"), &mend));
            }
        }
        Ok(())
    }

    pub(super) fn text<'a>(&self, fields: &'a Fields, key: &str) -> Read<&'a str> {
        fields.get(key).and_then(Value::as_str).ok_or_else(|| {
            self.error(&format!("{key:?} is missing, or no string"), &format!("\"{key}\":\"…\""))
        })
    }

    pub(super) fn number(&self, fields: &Fields, key: &str) -> Read<u32> {
        let number = fields.get(key).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| {
            self.error(&format!("{key:?} is missing, or no small number"), &format!("\"{key}\":1"))
        })
    }

    pub(super) fn thread(&mut self, fields: &Fields) -> Read<ThreadId> {
        if fields.get("thread").is_none() {
            return Ok(ThreadId(0));
        }
        let number = self.number(fields, "thread")?;
        if let Ok(small) = u8::try_from(number) {
            return Ok(ThreadId(small));
        }
        // A system's own number: the next of ours from above.
        let next = u8::try_from(self.threads.len()).ok().and_then(|met| u8::MAX.checked_sub(met));
        match (self.threads.get(&number), next) {
            (Some(known), _) => Ok(ThreadId(*known)),
            (None, Some(next)) => {
                self.threads.insert(number, next);
                Ok(ThreadId(next))
            }
            (None, None) => Err(self.error("more than 256 threads", "split the trace")),
        }
    }

    /// A return may leave its thread out; where it names one, it is the one that the call was made on.
    pub(super) fn ends_where_it_began(&mut self, fields: &Fields, began: ThreadId) -> Read<()> {
        if !fields.contains_key("thread") || self.thread(fields)? == began {
            return Ok(());
        }
        let mend = format!("it began on thread {}, and a call ends where it began", began.0);
        Err(self.error("this is another thread than the call's", &mend))
    }

    pub(super) fn hex(&self, text: &str) -> Read<u64> {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        let all_hex = |digits: &&str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = digits.filter(all_hex).and_then(|digits| u64::from_str_radix(digits, 16).ok());
        value.ok_or_else(|| {
            self.error(&format!("{text:?} is no word"), "a hex string such as \"0x1\", or MAPI's name")
        })
    }

    /// A word: a hex string, a name, or a list of both.
    pub(super) fn word(&self, value: &Value, named: &dyn Fn(&str) -> Option<u32>) -> Read<u64> {
        let one = |value: &Value| -> Read<u64> {
            let Some(text) = value.as_str() else {
                return Err(
                    self.error(&format!("{value} is no word"), "a hex string or a name, never a decimal")
                );
            };
            match named(text) {
                Some(bits) => Ok(u64::from(bits)),
                None => self.hex(text),
            }
        };
        match value {
            Value::Array(all) => all.iter().try_fold(0, |bits, value| Ok(bits | one(value)?)),
            one_value => one(one_value),
        }
    }

    pub(super) fn word_or(
        &self,
        fields: &Fields,
        key: &str,
        absent: u64,
        named: &dyn Fn(&str) -> Option<u32>,
    ) -> Read<u64> {
        fields.get(key).map_or(Ok(absent), |value| self.word(value, named))
    }

    pub(super) fn narrow(&self, word: u64) -> Read<u32> {
        u32::try_from(word).map_err(|_| self.error("the word has more than 32 bits", "ULONG is 32 bits wide"))
    }
}
