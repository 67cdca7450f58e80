package dev.lectern.generate;

import dev.lectern.Answer;
import dev.lectern.Answer.FinishReason;
import dev.lectern.Cancellation;
import dev.lectern.GenerateOptions;
import dev.lectern.TokenListener;
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
            text = new AnswerText(tokenizer, options.stop(), options.thinking());
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
    private final Tokenizer tokenizer;
    private final Set<Integer> endTokens;

    public Generation(Forward forward, Tokenizer tokenizer) {
        this.forward = forward;
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
        Sequence any = starts.getFirst().sequence();
        int[] chosen = new int[starts.size()];
        for (int i = 0; i < starts.size(); i++) {
            Start start = starts.get(i);
            all.add(new Growing(i, start.sequence(), options, tokenizer, start.context()));
            if (any.decides()) {
                chosen[i] = all.get(i).sampler.next(start.logits(), 0, start.logits().length);
            }
        }
        chosen = any.decided(chosen);
        for (Growing g : all) {
            add(g, chosen[g.number], options, listener, answers);
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
            Forward.Result result = forward.step(slices, cancellation);
            chosen = new int[growing.size()];
            for (int i = 0; i < chosen.length && any.decides(); i++) {
                chosen[i] = growing.get(i).sampler.next(result.values(), result.at(i, 0), result.vocabulary());
            }
            chosen = any.decided(chosen);
            for (int i = 0; i < chosen.length; i++) {
                add(growing.get(i), chosen[i], options, listener, answers);
            }
        }
    }

    /** Adds a token to an answer, and ends the answer where it ends. */
    private void add(Growing g, int token, GenerateOptions options, TokenListener listener, Answer[] answers) {
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
