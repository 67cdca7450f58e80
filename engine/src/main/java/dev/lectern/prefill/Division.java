package dev.lectern.prefill;

import dev.lectern.kv.Page;

/**
 * A text divided into blocks of consecutive tokens, of whole pages but for the last: so a text that is shorter than asked for has fewer blocks, and none needs to be padded.
 *
 * @param tokens of the text
 * @param length of a block, but for the last
 */
record Division(int tokens, int length) {
    /** Into as many blocks, or fewer. */
    static Division of(int tokens, int blocks) {
        int pages = Math.ceilDiv(Math.ceilDiv(tokens, blocks), Page.TOKENS);
        return new Division(tokens, Math.multiplyExact(pages, Page.TOKENS));
    }

    int blocks() {
        return Math.ceilDiv(tokens, length);
    }

    /** The first token of a block. */
    int start(int block) {
        return block * length;
    }

    /** Behind the last token of a block. */
    int end(int block) {
        return Math.min(tokens - start(block), length) + start(block);
    }
}
