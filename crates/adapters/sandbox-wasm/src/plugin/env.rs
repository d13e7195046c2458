//! `extism:host/env`: memory, input, output, and what was granted.

use std::collections::BTreeMap;

use bottega_manifest::{Capabilities, HttpRequest, HttpResponse, Level};
use bottega_policy::egress::WebUrl;
use serde_json::Value;
use wasmtime::{Caller, Linker};

use super::imports::ENV;
use super::{Breach, Span, block, place, put, slice, text};
use crate::inside::Inside;

/// How much is worth writing, as the plug-in reads it: everything, and nothing.
const EVERYTHING: i32 = 0;
const NOTHING: i32 = i32::MAX;

/// The functions that write a line, and how much it matters.
const LINES: [(&str, Level); 5] = [
    ("log_trace", Level::Debug),
    ("log_debug", Level::Debug),
    ("log_info", Level::Info),
    ("log_warn", Level::Warn),
    ("log_error", Level::Error),
];

/// Puts all of it that was granted into a linker.
pub(crate) fn link(linker: &mut Linker<Inside>, granted: &Capabilities) -> wasmtime::Result<()> {
    memory(linker)?;
    input(linker)?;
    output(linker)?;
    config(linker)?;
    let level = if granted.log { EVERYTHING } else { NOTHING };
    linker.func_wrap(ENV, "get_log_level", move || level)?;
    if granted.log {
        lines(linker)?;
    }
    if granted.key_value {
        variables(linker)?;
    }
    if !granted.http.is_empty() {
        requests(linker)?;
    }
    Ok(())
}

type Guest<'g> = Caller<'g, Inside>;

fn load<const N: usize>(mut guest: Guest<'_>, offset: u64) -> wasmtime::Result<[u8; N]> {
    let mut bytes = [0; N];
    bytes.copy_from_slice(slice(guest.data_mut(), Span { offset, length: N as u64 })?);
    Ok(bytes)
}

fn store(mut guest: Guest<'_>, offset: u64, bytes: &[u8]) -> wasmtime::Result<()> {
    slice(guest.data_mut(), Span { offset, length: bytes.len() as u64 })?.copy_from_slice(bytes);
    Ok(())
}

fn memory(linker: &mut Linker<Inside>) -> wasmtime::Result<()> {
    linker.func_wrap(
        ENV,
        "alloc",
        |mut guest: Guest<'_>, length: u64| -> wasmtime::Result<u64> {
            // 0 says that there is no memory; its own allocator says so to the plug-in.
            Ok(place(guest.data_mut(), length)?.unwrap_or_default())
        },
    )?;
    linker.func_wrap(ENV, "free", |mut guest: Guest<'_>, offset: u64| -> wasmtime::Result<()> {
        let plugin = guest.data_mut().plugin()?;
        if plugin.blocks.release(offset) && plugin.input.offset == offset {
            plugin.input.length = 0;
        }
        Ok(())
    })?;
    for name in ["length", "length_unsafe"] {
        linker.func_wrap(
            ENV,
            name,
            |mut guest: Guest<'_>, offset: u64| -> wasmtime::Result<u64> {
                let length = guest.data_mut().plugin()?.blocks.length(offset);
                Ok(length.unwrap_or_default())
            },
        )?;
    }
    linker.func_wrap(ENV, "memory_bytes", |mut guest: Guest<'_>| -> wasmtime::Result<u64> {
        Ok(guest.data_mut().plugin()?.memory.len() as u64)
    })?;
    linker.func_wrap(ENV, "load_u8", |guest: Guest<'_>, offset: u64| -> wasmtime::Result<u32> {
        Ok(u32::from(u8::from_le_bytes(load(guest, offset)?)))
    })?;
    linker.func_wrap(
        ENV,
        "load_u64",
        |guest: Guest<'_>, offset: u64| -> wasmtime::Result<u64> {
            Ok(u64::from_le_bytes(load(guest, offset)?))
        },
    )?;
    linker.func_wrap(
        ENV,
        "store_u8",
        |guest: Guest<'_>, offset: u64, value: u32| -> wasmtime::Result<()> {
            store(guest, offset, &value.to_le_bytes()[..1])
        },
    )?;
    linker.func_wrap(
        ENV,
        "store_u64",
        |guest: Guest<'_>, offset: u64, value: u64| -> wasmtime::Result<()> {
            store(guest, offset, &value.to_le_bytes())
        },
    )?;
    Ok(())
}

/// Where so many bytes of the input lie, from that one on.
fn within_input(guest: &mut Guest<'_>, from: u64, length: u64) -> Result<u64, Breach> {
    let input = guest.data_mut().plugin()?.input;
    let end = from.checked_add(length).filter(|end| *end <= input.length);
    let beyond = || Breach::Malformed(format!("byte {from} of an input of {}", input.length));
    end.map(|_| input.offset + from).ok_or_else(beyond)
}

fn input(linker: &mut Linker<Inside>) -> wasmtime::Result<()> {
    linker.func_wrap(ENV, "input_length", |mut guest: Guest<'_>| -> wasmtime::Result<u64> {
        Ok(guest.data_mut().plugin()?.input.length)
    })?;
    linker.func_wrap(ENV, "input_offset", |mut guest: Guest<'_>| -> wasmtime::Result<u64> {
        Ok(guest.data_mut().plugin()?.input.offset)
    })?;
    linker.func_wrap(
        ENV,
        "input_load_u8",
        |mut guest: Guest<'_>, from: u64| -> wasmtime::Result<u32> {
            let offset = within_input(&mut guest, from, 1)?;
            Ok(u32::from(u8::from_le_bytes(load(guest, offset)?)))
        },
    )?;
    linker.func_wrap(
        ENV,
        "input_load_u64",
        |mut guest: Guest<'_>, from: u64| -> wasmtime::Result<u64> {
            let offset = within_input(&mut guest, from, 8)?;
            Ok(u64::from_le_bytes(load(guest, offset)?))
        },
    )?;
    Ok(())
}

fn output(linker: &mut Linker<Inside>) -> wasmtime::Result<()> {
    linker.func_wrap(
        ENV,
        "output_set",
        |mut guest: Guest<'_>, offset: u64, length: u64| -> wasmtime::Result<()> {
            let span = Span { offset, length };
            slice(guest.data_mut(), span)?;
            let inside = guest.data_mut();
            inside.leaves(length)?;
            inside.plugin()?.output = span;
            Ok(())
        },
    )?;
    linker.func_wrap(ENV, "output_offset", |mut guest: Guest<'_>| -> wasmtime::Result<u64> {
        Ok(guest.data_mut().plugin()?.output.offset)
    })?;
    linker.func_wrap(ENV, "output_length", |mut guest: Guest<'_>| -> wasmtime::Result<u64> {
        Ok(guest.data_mut().plugin()?.output.length)
    })?;
    linker.func_wrap(
        ENV,
        "error_set",
        |mut guest: Guest<'_>, offset: u64| -> wasmtime::Result<()> {
            guest.data_mut().plugin()?.error = offset;
            Ok(())
        },
    )?;
    linker.func_wrap(ENV, "error_get", |mut guest: Guest<'_>| -> wasmtime::Result<u64> {
        Ok(guest.data_mut().plugin()?.error)
    })?;
    Ok(())
}

fn config(linker: &mut Linker<Inside>) -> wasmtime::Result<()> {
    linker.func_wrap(
        ENV,
        "config_get",
        |mut guest: Guest<'_>, key: u64| -> wasmtime::Result<u64> {
            let key = text(guest.data_mut(), key)?;
            let extism = guest.data().terms.manifest.extism.as_ref();
            let value = extism.and_then(|extism| extism.config.get(&key)).cloned();
            Ok(put(guest.data_mut(), value.unwrap_or_default().as_bytes())?)
        },
    )?;
    Ok(())
}

fn lines(linker: &mut Linker<Inside>) -> wasmtime::Result<()> {
    for (name, level) in LINES {
        linker.func_wrap(
            ENV,
            name,
            move |mut guest: Guest<'_>, line: u64| -> wasmtime::Result<()> {
                let line = text(guest.data_mut(), line)?;
                guest.data().provision.host.log(level, &line);
                Ok(())
            },
        )?;
    }
    Ok(())
}

fn variables(linker: &mut Linker<Inside>) -> wasmtime::Result<()> {
    linker.func_wrap_async(ENV, "var_get", |mut guest: Guest<'_>, (key,): (u64,)| {
        Box::new(async move {
            let key = text(guest.data_mut(), key)?;
            let inside = guest.data();
            let answer = inside.waited(inside.provision.host.get(key)).await?;
            let value = answer.map_err(|refusal| Breach::Refused(refusal.to_string()))?;
            Ok(put(guest.data_mut(), &value.unwrap_or_default())?)
        })
    })?;
    linker.func_wrap_async(ENV, "var_set", |mut guest: Guest<'_>, (key, value): (u64, u64)| {
        Box::new(async move {
            let key = text(guest.data_mut(), key)?;
            // The interface forgets a key by setting it to nothing.
            let value = if value == 0 { None } else { Some(block(guest.data_mut(), value)?) };
            let inside = guest.data();
            let answer = inside.waited(inside.provision.host.set(key, value)).await?;
            answer.map_err(|refusal| Breach::Refused(refusal.to_string()))?;
            Ok(())
        })
    })?;
    Ok(())
}

fn requests(linker: &mut Linker<Inside>) -> wasmtime::Result<()> {
    linker.func_wrap_async(
        ENV,
        "http_request",
        |mut guest: Guest<'_>, (request, body): (u64, u64)| {
            Box::new(async move {
                let request = block(guest.data_mut(), request)?;
                let body = block(guest.data_mut(), body)?;
                let request = read(&request, body).map_err(Breach::Malformed)?;
                let inside = guest.data();
                let granted = &inside.terms.manifest.capabilities.http;
                if !granted.iter().any(|pattern| pattern.0.grants(request.url.target())) {
                    let why = format!("{} was not granted", request.url.target());
                    return Err(Breach::Refused(why).into());
                }
                let answer = inside.waited(inside.provision.host.fetch(request)).await?;
                let answer = answer.map_err(|refusal| Breach::Refused(refusal.to_string()))?;
                let HttpResponse { status, headers, body } = answer;
                guest.data_mut().plugin()?.answered = Some((status, shown(headers)));
                Ok(put(guest.data_mut(), &body)?)
            })
        },
    )?;
    linker.func_wrap(ENV, "http_status_code", |mut guest: Guest<'_>| -> wasmtime::Result<u32> {
        let answered = guest.data_mut().plugin()?.answered.as_ref();
        Ok(answered.map_or(0, |(status, _)| u32::from(*status)))
    })?;
    linker.func_wrap(ENV, "http_headers", |mut guest: Guest<'_>| -> wasmtime::Result<u64> {
        let answered = guest.data_mut().plugin()?.answered.as_ref();
        let headers = answered.map(|(_, headers)| headers.clone()).unwrap_or_default();
        Ok(put(guest.data_mut(), headers.as_bytes())?)
    })?;
    Ok(())
}

/// A request: `{"url": "…", "method": "GET", "headers": {"…": "…"}}`, the last two optional.
fn read(request: &[u8], body: Vec<u8>) -> Result<HttpRequest, String> {
    let request: Value = serde_json::from_slice(request)
        .map_err(|error| format!("its request is no JSON: {error}"))?;
    let url = request.get("url").and_then(Value::as_str).ok_or("its request has no `url`")?;
    let url: WebUrl = url.parse().map_err(|error| format!("`{url}`: {error}"))?;
    let method = request.get("method").and_then(Value::as_str).unwrap_or("GET").to_owned();
    // Older PDKs say `header`.
    let headers = request.get("headers").or_else(|| request.get("header"));
    let headers = headers.and_then(Value::as_object).into_iter().flatten();
    let headers = headers
        .map(|(name, value)| {
            let value = value.as_str().ok_or_else(|| format!("its header `{name}` is no text"))?;
            Ok((name.clone(), value.to_owned()))
        })
        .collect::<Result<_, String>>()?;
    Ok(HttpRequest { method, url, headers, body })
}

/// Headers as an object of JSON; those of one name in one value (RFC 9110, 5.3).
fn shown(headers: Vec<(String, String)>) -> String {
    let mut object = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        object
            .entry(name.to_ascii_lowercase())
            .and_modify(|values| {
                values.push_str(", ");
                values.push_str(&value);
            })
            .or_insert(value);
    }
    Value::from_iter(object).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_with_what_it_leaves_out() {
        let request = read(br#"{"url": "https://a.example/b"}"#, vec![1]).unwrap();
        assert_eq!((request.method.as_str(), request.url.as_str()), ("GET", "https://a.example/b"));
        assert_eq!((request.headers, request.body), (vec![], vec![1]));
        let whole =
            br#"{"url": "https://a.example", "method": "PUT", "headers": {"accept": "a/b"}}"#;
        let request = read(whole, vec![]).unwrap();
        assert_eq!(request.method, "PUT");
        assert_eq!(request.headers, [("accept".to_owned(), "a/b".to_owned())]);
    }

    #[test]
    fn a_request_that_is_none_is_told_why() {
        for (request, why) in [
            ("no", "its request is no JSON: "),
            ("{}", "its request has no `url`"),
            (r#"{"url": "nowhere"}"#, "`nowhere`: "),
            (r#"{"url": "https://a.example", "headers": {"a": 1}}"#, "its header `a` is no text"),
        ] {
            let error = read(request.as_bytes(), vec![]).unwrap_err();
            assert!(error.starts_with(why), "{error}");
        }
    }

    #[test]
    fn headers_of_one_name_become_one() {
        let headers = [("Via", "a"), ("age", "1"), ("via", "b")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(shown(headers.to_vec()), r#"{"age":"1","via":"a, b"}"#);
    }
}
