"""llama.cpp for "lectern bench peers": a child process that reads requests, one JSON object a line, and answers each with one.

open      model, context, threads, cache  loads a model, keys and values as cache (F16, Q8_0, Q4_0): {"version", "system", "seconds"}
read      tokens, choose (optional)       reads tokens after those held: {"seconds"}, with choose also {"token"}, the likeliest next one
decode    tokens                          the same, one token at a time: {"seconds"}
truncate  length                          forgets all tokens from length on: {}
peak                                      the most memory that was ever resident: {"bytes"}, null where the system does not tell

Seconds are measured here, so that what it takes to talk does not count. An error is {"error"}.
"""

import ctypes
import json
import os
import sys
import time

answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)  # what libraries print is no answer


def answer(members):
    answers.write(json.dumps(members) + "\n")
    answers.flush()


class Peer:
    BATCH = 512

    def open(self, model, context, threads, cache):
        began = time.perf_counter()
        import llama_cpp

        self.lib = lib = llama_cpp
        self.silence = lib.llama_log_callback(lambda level, text, data: None)
        lib.llama_log_set(self.silence, ctypes.c_void_p(0))
        lib.llama_backend_init()
        options = lib.llama_model_default_params()
        options.n_gpu_layers = 0
        self.model = lib.llama_model_load_from_file(model.encode(), options)
        if not self.model:
            raise RuntimeError("llama.cpp cannot load " + model)
        options = lib.llama_context_default_params()
        options.n_ctx = context
        options.n_batch = options.n_ubatch = self.BATCH
        options.n_threads = options.n_threads_batch = threads
        options.type_k = options.type_v = getattr(lib, "GGML_TYPE_" + cache)
        if hasattr(options, "flash_attn_type"):
            options.flash_attn_type = 1
        else:
            options.flash_attn = True
        self.context = lib.llama_init_from_model(self.model, options)
        if not self.context:
            raise RuntimeError("llama.cpp cannot make a context of %d tokens" % context)
        self.memory = lib.llama_get_memory(self.context)
        self.vocabulary = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(self.model))
        seconds = time.perf_counter() - began
        system = lib.llama_print_system_info().decode("utf-8", "replace")
        return {"version": lib.__version__, "system": system, "seconds": seconds}

    def step(self, tokens):
        array = (self.lib.llama_token * len(tokens))(*tokens)
        failed = self.lib.llama_decode(self.context, self.lib.llama_batch_get_one(array, len(tokens)))
        if failed:
            raise RuntimeError("llama_decode failed with %d on %d tokens" % (failed, len(tokens)))
        return self.lib.llama_get_logits_ith(self.context, -1)

    def read(self, tokens, choose=False):
        result = {}
        began = time.perf_counter()
        for at in range(0, len(tokens), self.BATCH):
            logits = self.step(tokens[at : at + self.BATCH])
        if choose:
            import numpy

            result["token"] = int(numpy.ctypeslib.as_array(logits, (self.vocabulary,)).argmax())
        result["seconds"] = time.perf_counter() - began
        return result

    def decode(self, tokens):
        began = time.perf_counter()
        for token in tokens:
            self.step([token])
        return {"seconds": time.perf_counter() - began}

    def truncate(self, length):
        if not self.lib.llama_memory_seq_rm(self.memory, 0, length, -1):
            raise RuntimeError("llama.cpp cannot forget the tokens from %d on" % length)
        return {}

    def peak(self):
        try:
            with open("/proc/self/status") as status:
                for line in status:
                    if line.startswith("VmHWM:"):
                        return {"bytes": 1024 * int(line.split()[1])}
        except OSError:
            pass
        return {"bytes": None}


peer = Peer()
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer(getattr(peer, request.pop("do"))(**request))
    except Exception as e:
        answer({"error": "%s: %s" % (type(e).__name__, e)})
