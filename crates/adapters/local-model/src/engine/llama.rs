//! The one file that speaks to llama.cpp: weights, vocabulary and one evaluation context, made safe.
//!
//! It binds `llama-cpp-sys-2` directly, for three calls that the safe binding hides: changing the
//! number of threads between evaluations, aborting one in the middle, and saving a sequence.
#![expect(unsafe_code, reason = "the boundary to a C library; each block says why it is sound")]

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};

use llama_cpp_sys_2 as sys;

use super::options::CacheType;

/// A token's number in its model's vocabulary.
pub(crate) type Token = i32;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Ordinary text, bytes included.
    Text,
    /// Written as text, but added by the model's makers as one piece (`<tool_call>`).
    Marker,
    /// Steers the model and has no text (`<|im_end|>`).
    Control,
}

/// Weights of one block of a tensor of this type, and the block's bytes; nothing where the type is not known.
pub(crate) fn block(kind: u32) -> Option<(u64, u64)> {
    if kind >= sys::GGML_TYPE_COUNT {
        return None;
    }
    // SAFETY: both read a table of constants, and the type is in it.
    let (count, bytes) = unsafe { (sys::ggml_blck_size(kind), sys::ggml_type_size(kind)) };
    let count = u64::try_from(count).ok().filter(|count| *count > 0)?;
    Some((count, bytes as u64))
}

/// A model's weights in memory, with its vocabulary.
#[derive(Debug)]
pub(crate) struct Weights {
    model: NonNull<sys::llama_model>,
    vocab: NonNull<sys::llama_vocab>,
}

// SAFETY: llama.cpp never changes a model after loading; every function used through `&Weights` only reads.
unsafe impl Send for Weights {}
// SAFETY: as above. Contexts, which mark the model while they are made, are made by one thread: the engine's.
unsafe impl Sync for Weights {}

/// Starts llama.cpp once in this process and sends what it logs to `tracing`.
fn start_backend() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the callbacks are functions of this program, which live as long as it does.
        unsafe {
            sys::llama_log_set(Some(log_line), std::ptr::null_mut());
            sys::ggml_set_abort_callback(Some(log_abort));
            sys::llama_backend_init();
        }
    });
}

unsafe extern "C" fn log_line(level: sys::ggml_log_level, text: *const c_char, _: *mut c_void) {
    if text.is_null() {
        return;
    }
    // SAFETY: llama.cpp passes a terminated string that lives during the call.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    let text = text.trim_end();
    if text.is_empty() || text == "." {
        return;
    }
    match level {
        sys::GGML_LOG_LEVEL_ERROR => tracing::error!(target: "llama", "{text}"),
        sys::GGML_LOG_LEVEL_WARN => tracing::debug!(target: "llama", "warning: {text}"),
        _ => tracing::trace!(target: "llama", "{text}"),
    }
}

/// Called by ggml before it aborts the process over a broken promise of its own: the reason is kept.
unsafe extern "C" fn log_abort(text: *const c_char) {
    // SAFETY: ggml passes a terminated string that lives during the call.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    tracing::error!(target: "llama", "the inference library gave up: {}", text.trim_end());
}

impl Weights {
    /// Reads a GGUF file. `gpu_layers` is ignored where no accelerator was built in.
    pub(crate) fn load(path: &Path, gpu_layers: i32) -> Result<Self, String> {
        start_backend();
        let Some(Ok(name)) = path.to_str().map(CString::new) else {
            return Err(format!("the path {} is not valid text", path.display()));
        };
        // SAFETY: the parameters are llama.cpp's own defaults with one number changed; the path is terminated.
        let model = unsafe {
            let mut params = sys::llama_model_default_params();
            params.n_gpu_layers = gpu_layers;
            sys::llama_model_load_from_file(name.as_ptr(), params)
        };
        let model = NonNull::new(model)
            .ok_or_else(|| format!("{} could not be loaded as a model", path.display()))?;
        // SAFETY: the model was just loaded; its vocabulary lives as long as it does.
        let vocab = unsafe { sys::llama_model_get_vocab(model.as_ptr()) };
        let Some(vocab) = NonNull::new(vocab.cast_mut()) else {
            // SAFETY: nothing refers to the model yet.
            unsafe { sys::llama_model_free(model.as_ptr()) };
            return Err(format!("{} holds no vocabulary", path.display()));
        };
        Ok(Self { model, vocab })
    }

    /// Names of the accelerators found.
    pub(crate) fn accelerators() -> Vec<String> {
        start_backend();
        // SAFETY: indices stay below the count; the names are static strings of the backends.
        unsafe {
            (0..sys::ggml_backend_dev_count())
                .map(|index| sys::ggml_backend_dev_get(index))
                .filter(|device| {
                    sys::ggml_backend_dev_type(*device) != sys::GGML_BACKEND_DEVICE_TYPE_CPU
                })
                .map(|device| sys::ggml_backend_dev_description(device))
                .filter(|name| !name.is_null())
                .map(|name| CStr::from_ptr(name).to_string_lossy().into_owned())
                .collect()
        }
    }

    /// The window that the model was trained for.
    pub(crate) fn trained_window(&self) -> u32 {
        // SAFETY: a query of a live model.
        u32::try_from(unsafe { sys::llama_model_n_ctx_train(self.model.as_ptr()) }).unwrap_or(0)
    }

    /// Bytes that one token takes in the cache of keys and values.
    pub(crate) fn cache_bytes_per_token(&self, kind: CacheType) -> u64 {
        // SAFETY: queries of a live model.
        let (layers, heads, kv_heads, width) = unsafe {
            let model = self.model.as_ptr();
            (
                sys::llama_model_n_layer(model),
                sys::llama_model_n_head(model).max(1),
                sys::llama_model_n_head_kv(model),
                sys::llama_model_n_embd(model),
            )
        };
        let values = 2 * i64::from(layers) * i64::from(width / heads) * i64::from(kv_heads);
        let bytes = match kind {
            CacheType::F16 => values * 2,
            CacheType::Q8 => values * 34 / 32,
        };
        u64::try_from(bytes).unwrap_or(0)
    }

    /// The chat template that the file carries.
    pub(crate) fn chat_template(&self) -> Option<String> {
        // SAFETY: a query of a live model; the string lives as long as the model and is copied.
        unsafe {
            let text = sys::llama_model_chat_template(self.model.as_ptr(), std::ptr::null());
            (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
        }
    }

    /// How many tokens there are.
    pub(crate) fn vocabulary_size(&self) -> Token {
        // SAFETY: a query of a live vocabulary.
        unsafe { sys::llama_vocab_n_tokens(self.vocab.as_ptr()) }
    }

    /// The token that opens every text, for models that want one.
    pub(crate) fn opening_token(&self) -> Option<Token> {
        // SAFETY: queries of a live vocabulary.
        unsafe {
            let wanted = sys::llama_vocab_get_add_bos(self.vocab.as_ptr());
            wanted.then(|| sys::llama_vocab_bos(self.vocab.as_ptr())).filter(|token| *token >= 0)
        }
    }

    /// The model's tokens for "begin" and "end", as its template may want to write them.
    pub(crate) fn begin_and_end(&self) -> (Token, Token) {
        // SAFETY: queries of a live vocabulary.
        unsafe {
            (sys::llama_vocab_bos(self.vocab.as_ptr()), sys::llama_vocab_eos(self.vocab.as_ptr()))
        }
    }

    /// Whether `token` ends an answer.
    pub(crate) fn ends_answer(&self, token: Token) -> bool {
        // SAFETY: a query of a live vocabulary; out-of-range tokens are refused before.
        self.holds(token) && unsafe { sys::llama_vocab_is_eog(self.vocab.as_ptr(), token) }
    }

    /// What `token` is for.
    pub(crate) fn kind(&self, token: Token) -> TokenKind {
        if !self.holds(token) {
            return TokenKind::Control;
        }
        // SAFETY: a query of a live vocabulary with a token it holds.
        let attributes = unsafe { sys::llama_vocab_get_attr(self.vocab.as_ptr(), token) };
        if attributes & (sys::LLAMA_TOKEN_ATTR_CONTROL | sys::LLAMA_TOKEN_ATTR_UNKNOWN) != 0 {
            TokenKind::Control
        } else if attributes & sys::LLAMA_TOKEN_ATTR_USER_DEFINED != 0 {
            TokenKind::Marker
        } else {
            TokenKind::Text
        }
    }

    fn holds(&self, token: Token) -> bool {
        (0..self.vocabulary_size()).contains(&token)
    }

    /// The bytes that `token` stands for, control tokens by their name.
    pub(crate) fn bytes(&self, token: Token) -> Vec<u8> {
        if !self.holds(token) {
            return Vec::new();
        }
        let mut buffer = vec![0_u8; 32];
        loop {
            let room = i32::try_from(buffer.len()).unwrap_or(i32::MAX);
            // SAFETY: the buffer has the room that is named; the token is held.
            let written = unsafe {
                sys::llama_token_to_piece(
                    self.vocab.as_ptr(),
                    token,
                    buffer.as_mut_ptr().cast(),
                    room,
                    0,
                    true,
                )
            };
            match usize::try_from(written) {
                Ok(length) => {
                    buffer.truncate(length);
                    return buffer;
                }
                // A negative count is the room that is needed.
                Err(_) => buffer.resize(written.unsigned_abs() as usize, 0),
            }
        }
    }

    /// Divides `text` into tokens. Control tokens written in it become such only when `trusted`.
    pub(crate) fn tokenize(&self, text: &str, trusted: bool) -> Vec<Token> {
        let length = i32::try_from(text.len()).unwrap_or(i32::MAX);
        let mut tokens = vec![0; text.len() + 8];
        loop {
            let room = i32::try_from(tokens.len()).unwrap_or(i32::MAX);
            // SAFETY: text and buffer have the lengths that are named.
            let written = unsafe {
                sys::llama_tokenize(
                    self.vocab.as_ptr(),
                    text.as_ptr().cast(),
                    length,
                    tokens.as_mut_ptr(),
                    room,
                    false,
                    trusted,
                )
            };
            match usize::try_from(written) {
                Ok(count) => {
                    tokens.truncate(count);
                    return tokens;
                }
                Err(_) if written == i32::MIN => return Vec::new(),
                Err(_) => tokens.resize(written.unsigned_abs() as usize, 0),
            }
        }
    }
}

impl Drop for Weights {
    fn drop(&mut self) {
        // SAFETY: sessions hold an `Arc` of the weights, so none is left.
        unsafe { sys::llama_model_free(self.model.as_ptr()) };
    }
}

/// Why an evaluation gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EvalError {
    /// It was asked to stop.
    Aborted,
    /// There was no room left.
    Full,
    /// llama.cpp failed with this code.
    Failed(i32),
}

/// How a [`Session`] is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionOptions {
    pub(crate) window: u32,
    pub(crate) batch: u32,
    pub(crate) threads: u32,
    pub(crate) cache: CacheType,
}

type StopFlag = Mutex<Option<Arc<AtomicBool>>>;

/// One sequence of tokens under evaluation, with its cache of keys and values.
#[derive(Debug)]
pub(crate) struct Session {
    context: NonNull<sys::llama_context>,
    weights: Arc<Weights>,
    /// Read by llama.cpp between operations; boxed since C holds its address.
    stop: Box<StopFlag>,
}

// SAFETY: a context isn't bound to the thread that made it, and `Session` is not shared (`&mut self` throughout).
unsafe impl Send for Session {}

unsafe extern "C" fn should_stop(flag: *mut c_void) -> bool {
    // SAFETY: the address is that of `Session::stop`, which lives longer than the context.
    let flag = unsafe { &*flag.cast::<StopFlag>() };
    flag.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .as_ref()
        .is_some_and(|flag| flag.load(Ordering::Relaxed))
}

impl Session {
    /// Makes room for `options.window` tokens.
    pub(crate) fn new(weights: Arc<Weights>, options: SessionOptions) -> Result<Self, String> {
        let stop: Box<StopFlag> = Box::default();
        let threads = i32::try_from(options.threads).unwrap_or(1).max(1);
        // SAFETY: defaults of llama.cpp with plain numbers changed; the flag outlives the context.
        let context = unsafe {
            let mut params = sys::llama_context_default_params();
            params.n_ctx = options.window;
            params.n_batch = options.batch;
            params.n_ubatch = options.batch;
            params.n_seq_max = 1;
            params.n_threads = threads;
            params.n_threads_batch = threads;
            params.no_perf = true;
            params.abort_callback = Some(should_stop);
            params.abort_callback_data = std::ptr::from_ref::<StopFlag>(&stop).cast_mut().cast();
            if options.cache == CacheType::Q8 {
                params.type_k = sys::GGML_TYPE_Q8_0;
                params.type_v = sys::GGML_TYPE_Q8_0;
            }
            sys::llama_init_from_model(weights.model.as_ptr(), params)
        };
        let context = NonNull::new(context).ok_or_else(|| {
            format!("no memory for a window of {} tokens; choose a smaller one", options.window)
        })?;
        Ok(Self { context, weights, stop })
    }

    /// Lets `flag` abort evaluations from now on.
    pub(crate) fn watch(&mut self, flag: Option<Arc<AtomicBool>>) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = flag;
    }

    /// Tokens that fit.
    pub(crate) fn window(&self) -> usize {
        // SAFETY: a query of a live context.
        unsafe { sys::llama_n_ctx(self.context.as_ptr()) as usize }
    }

    /// Uses so many threads from the next evaluation on.
    pub(crate) fn set_threads(&mut self, threads: u32) {
        let threads = i32::try_from(threads).unwrap_or(1).max(1);
        // SAFETY: a live context; no evaluation runs, as `&mut self` shows.
        unsafe { sys::llama_set_n_threads(self.context.as_ptr(), threads, threads) };
    }

    /// Appends `tokens` (at most a batch) and computes what may follow the last of them.
    pub(crate) fn eval(&mut self, tokens: &[Token]) -> Result<(), EvalError> {
        let mut tokens = tokens.to_vec();
        let count = i32::try_from(tokens.len()).unwrap_or(i32::MAX);
        // SAFETY: the batch borrows `tokens`, which live during the call; positions follow the cache's last.
        let code = unsafe {
            let batch = sys::llama_batch_get_one(tokens.as_mut_ptr(), count);
            sys::llama_decode(self.context.as_ptr(), batch)
        };
        match code {
            0 => Ok(()),
            1 => Err(EvalError::Full),
            2 => Err(EvalError::Aborted),
            code => Err(EvalError::Failed(code)),
        }
    }

    /// How likely each token is to follow, unnormalised.
    pub(crate) fn logits(&mut self) -> Option<&[f32]> {
        let count = usize::try_from(self.weights.vocabulary_size()).ok()?;
        // SAFETY: llama.cpp keeps one row of `count` numbers for the last token until the next evaluation.
        unsafe {
            let row = sys::llama_get_logits_ith(self.context.as_ptr(), -1);
            (!row.is_null()).then(|| std::slice::from_raw_parts(row, count))
        }
    }

    /// Forgets everything after the first `length` tokens. `false` when the model's memory can't
    /// forget a part; then it forgot everything.
    pub(crate) fn truncate(&mut self, length: usize) -> bool {
        let from = i32::try_from(length).unwrap_or(i32::MAX);
        // SAFETY: a live context and the one sequence it holds.
        unsafe {
            let memory = sys::llama_get_memory(self.context.as_ptr());
            if length > 0 && sys::llama_memory_seq_rm(memory, 0, from, -1) {
                return true;
            }
            sys::llama_memory_clear(memory, false);
        }
        length == 0
    }

    /// What is needed to go on with this sequence later.
    pub(crate) fn save(&mut self) -> Vec<u8> {
        // SAFETY: the buffer has the size that llama.cpp named for it.
        unsafe {
            let mut state = vec![0; sys::llama_state_seq_get_size(self.context.as_ptr(), 0)];
            let written = sys::llama_state_seq_get_data(
                self.context.as_ptr(),
                state.as_mut_ptr(),
                state.len(),
                0,
            );
            state.truncate(written);
            state
        }
    }

    /// Goes on with a sequence that was saved from a session of the same weights.
    pub(crate) fn restore(&mut self, state: &[u8]) -> bool {
        self.truncate(0);
        // SAFETY: `state` was written by `save` on the same weights in this process.
        let read = unsafe {
            sys::llama_state_seq_set_data(self.context.as_ptr(), state.as_ptr(), state.len(), 0)
        };
        read > 0
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: nothing else refers to the context; `stop` and the weights are dropped after it.
        unsafe { sys::llama_free(self.context.as_ptr()) };
    }
}
