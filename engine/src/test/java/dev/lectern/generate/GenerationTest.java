package dev.lectern.generate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.Answer;
import dev.lectern.BareModel;
import dev.lectern.Cancellation;
import dev.lectern.GenerateOptions;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Sampling;
import dev.lectern.comm.InProcess;
import dev.lectern.kv.KvFormats;
import dev.lectern.prefill.Prefills;
import dev.lectern.prefill.Sequence;
import dev.lectern.prefill.Slice;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GenerationTest {
    private static final Path TINY = Path.of("src/test/resources/tiny/qwen2");
    private static final int[] TEXT = new Random(4).ints(300, 0, 250).toArray();

    /** However the numbers of hosts may differ, as those of machines of two kinds do in their last bits. */
    @Test
    void hostsSayWhatTheLastOneChooses() {
        GenerateOptions options = GenerateOptions.DEFAULT
                .withMaxTokens(4)
                .withIgnoreEnd(true)
                .withSampling(new Sampling(1, 0, 1, 0, 1.3, 5));
        List<List<List<Integer>>> answers = InProcess.run(3, new Cancellation(), hosts -> {
            try (Model named = Model.open(TINY, ModelOptions.DEFAULT.withThreads(1));
                    BareModel model = new BareModel(TINY, 1);
                    Sequence empty = model.sequence(KvFormats.named("f32").keys())) {
                Sequence text = empty.sharedAmong(hosts);
                Prefills.named("ring", Optional.empty())
                        .read(
                                model.forward(),
                                text,
                                TEXT,
                                Slice.Logits.NONE,
                                (first, rows, logits, at) -> {},
                                Progress.NONE,
                                new Cancellation());
                List<Generation.Start> starts = new ArrayList<>();
                for (int i = 0; i < 2; i++) {
                    float[] logits = new float[model.config().vocabulary()];
                    logits[10 + hosts.rank()] = 100;
                    starts.add(new Generation.Start(text.fork(), logits, 1000));
                }
                List<List<Integer>> tokens = new Generation(model.forward(), named.tokenizer())
                        .answers(starts, options, (answer, token, of) -> {}, new Cancellation()).stream()
                                .map(Answer::tokens)
                                .toList();
                starts.forEach(start -> start.sequence().close());
                return tokens;
            }
        });
        assertThat(answers).containsOnly(answers.getFirst());
        assertThat(answers.getFirst())
                .allSatisfy(tokens -> assertThat(tokens).hasSize(4).startsWith(12));
    }
}
