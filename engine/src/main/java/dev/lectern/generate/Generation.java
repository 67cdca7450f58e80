package dev.lectern.generate;

import dev.lectern.Answer;
import dev.lectern.Answer.FinishReason;
import dev.lectern.Cancellation;
import dev.lectern.GenerateOptions;
import dev.lectern.TokenListener;
import dev.lectern.attention.DecodeAttention;
import dev.lectern.prefill.Forward;
import dev.lectern.prefill.Sequence;
import dev.lectern.prefill.Slice;
import dev.lectern.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Decodes a batch of answers together, one token each per step, so that the weights are read once for all. */
public final class Generation {
    /** One answer in the making. */
    private static final class Growing {
        final int number;
        final Sequence sequence;
        final Sampler sampler;
        final AnswerText text;
        final List<Integer> tokens = new ArrayList<>();
        final int limit;

        Growing(int number, Sequence sequence, GenerateOptions options, Tokenizer tokenizer, int context) {
            this.number = number;
            this.sequence = sequence;
            sampler = new Sampler(options.sampling(), number);
            text = new AnswerText(tokenizer, options.stop());
            // The last token of an answer is never read, so it needs no place in the context.
            limit = Math.min(options.maxTokens(), context - sequence.cache().position() + 1);
        }
    }

    /**
     * What an answer goes on from.
     *
     * @param sequence afterwards holds what was read of the answer: all tokens but the last chosen one
     * @param logits after its last token, {@code [vocabulary]}; overwritten
     * @param context tokens that it may hold
     */
    public record Start(Sequence sequence, float[] logits, int context) {}

    private final Forward forward;
    private final DecodeAttention attention;
    private final Tokenizer tokenizer;
    private final Set<Integer> endTokens;

    public Generation(Forward forward, DecodeAttention attention, Tokenizer tokenizer) {
        this.forward = forward;
        this.attention = attention;
        this.tokenizer = tokenizer;
        endTokens = Set.copyOf(tokenizer.endTokens());
    }

    /** Answers, one for each start. */
    public List<Answer> answers(
            List<Start> starts, GenerateOptions options, TokenListener listener, Cancellation cancellation) {
        List<Growing> all = new ArrayList<>();
        List<Growing> growing = new ArrayList<>();
        Answer[] answers = new Answer[starts.size()];
        List<Slice> slices = new ArrayList<>();
        for (int i = 0; i < starts.size(); i++) {
            Start start = starts.get(i);
            Growing g = new Growing(i, start.sequence(), options, tokenizer, start.context());
            all.add(g);
            choose(g, start.logits(), 0, start.logits().length, options, listener, answers);
        }
        while (true) {
            growing.clear();
            slices.clear();
            for (Growing g : all) {
                if (answers[g.number] == null) {
                    growing.add(g);
                    slices.add(new Slice(g.sequence, new int[] {g.tokens.getLast()}, Slice.Logits.LAST));
                }
            }
            if (growing.isEmpty()) {
                return List.of(answers);
            }
            cancellation.check();
            Forward.Result result = forward.step(slices, attention, cancellation);
            for (int i = 0; i < growing.size(); i++) {
                choose(
                        growing.get(i),
                        result.values(),
                        result.at(i, 0),
                        result.vocabulary(),
                        options,
                        listener,
                        answers);
            }
        }
    }

    /** Chooses the next token of an answer, and ends the answer where it ends. */
    private void choose(
            Growing g,
            float[] logits,
            int at,
            int vocabulary,
            GenerateOptions options,
            TokenListener listener,
            Answer[] answers) {
        int token = g.sampler.next(logits, at, vocabulary);
        g.tokens.add(token);
        boolean ended = endTokens.contains(token) && !options.ignoreEnd();
        listener.accept(g.number, token, ended ? "" : g.text.add(token));
        boolean stopped = ended || g.text.isStopped();
        if (stopped || g.tokens.size() >= g.limit) {
            String rest = g.text.finish();
            if (!rest.isEmpty()) {
                listener.accept(g.number, -1, rest);
            }
            answers[g.number] = new Answer(g.tokens, g.text.text(), stopped ? FinishReason.STOP : FinishReason.LENGTH);
        }
    }
}
