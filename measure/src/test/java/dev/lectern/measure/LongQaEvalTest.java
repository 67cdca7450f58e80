package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.measure.tasks.AnswerMetric;
import dev.lectern.measure.tasks.Question;
import dev.lectern.measure.tasks.QuestionFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LongQaEvalTest {
    private static final BenchModel MODEL =
            new BenchModel("qwen2", Path.of("../engine/src/test/resources/tiny/qwen2"), Optional.empty());
    private static final ModelOptions STRETCHED =
            ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=32");
    private static final LongQaOptions OPTIONS =
            LongQaOptions.DEFAULT.withMaxTokens(5).withKv(List.of("f32")).withInstruction("Say it.");

    private static final String HARBOUR = "The harbour has two lights and one crane.";
    private static final String FERRY = "The ferry left at noon, and nobody saw it come back.";

    @TempDir
    Path folder;

    private static Question question(int line, String dataset, String context, String input, String... options) {
        return new Question(
                line,
                "q" + line,
                dataset,
                context,
                input,
                List.of(options.length == 0 ? "two" : "B"),
                List.of(options),
                List.of());
    }

    /** The second and the fourth are about the same text. */
    private static final List<Question> QUESTIONS = List.of(
            question(1, "ferry", FERRY, "When did it leave?"),
            question(2, "harbour", HARBOUR, "How many lights?"),
            question(4, "harbour", HARBOUR, "How many lights has the harbour?", "one", "two"));

    private static QuestionFile file(String sha256, List<Question> questions) {
        return new QuestionFile("q.jsonl", sha256, questions);
    }

    private LongQaResults run(LongQaOptions options, QuestionFile file) {
        return LongQaEval.run(MODEL, STRETCHED, options, file, folder, Progress.NONE, new Cancellation());
    }

    private LongQaResults run(LongQaOptions options) {
        return run(options, file("abc", QUESTIONS));
    }

    private List<String> lines() throws IOException {
        return Files.readAllLines(folder.resolve("longqa-qwen2.jsonl"));
    }

    private static List<String> texts(LongQaResults results) {
        return results.answers().stream().map(LongQaResults.Answered::text).toList();
    }

    @Test
    void finishedAnswersAreNotComputedAgain() throws IOException {
        LongQaResults first = run(OPTIONS.withSamples(2));
        List<String> two = lines();
        assertThat(two).hasSize(2);
        LongQaResults all = run(OPTIONS);
        List<String> three = lines();
        assertThat(three).hasSize(3).startsWith(two.toArray(String[]::new));
        assertThat(all.answers()).startsWith(first.answers().toArray(LongQaResults.Answered[]::new));
        assertThat(run(OPTIONS).answers()).isEqualTo(all.answers());
        assertThat(lines()).isEqualTo(three);
    }

    @Test
    void anotherFileMethodOrInstructionIsAnswerdAnew() throws IOException {
        run(OPTIONS);
        run(OPTIONS, file("abd", QUESTIONS));
        run(OPTIONS.withKv(List.of("f16")));
        run(OPTIONS.withInstruction(""));
        run(OPTIONS.withMaxTokens(4));
        run(OPTIONS.withLength(600));
        assertThat(lines()).hasSize(18);
    }

    @Test
    void questionsAboutOneTextAreAnsweredAsAlone() {
        List<String> together = texts(run(OPTIONS));
        List<String> alone = new ArrayList<>();
        for (Question question : QUESTIONS) {
            alone.addAll(texts(run(OPTIONS, file("alone " + question.line(), List.of(question)))));
        }
        assertThat(together).isEqualTo(alone).doesNotContain("");
    }

    @Test
    void aQuestionReadTokenByTokenGetsTheSameAnswerWhereAttentionIsExact() throws IOException {
        List<String> read = texts(run(OPTIONS));
        assertThat(texts(run(OPTIONS.withProtocol(Protocol.B)))).isEqualTo(read);
        assertThat(lines()).hasSize(6);
    }

    @Test
    void aTextThatIsTooLongLosesItsMiddle() {
        String text = "Begin here. " + "More of the same. ".repeat(40) + "End here.";
        List<Question> questions = List.of(
                question(1, "", text, "Why?"),
                question(2, "", text, "Why, and when, and for how long?"),
                question(3, "", FERRY, "When did it leave?"));
        try (Model model = MODEL.open(STRETCHED)) {
            List<String> asked = List.of("\n\nWhy?", "\n\nWhy, and when?");
            FittedContext whole = FittedContext.of(model, text, asked, model.context());
            assertThat(whole.cut()).isFalse();
            assertThat(whole.text()).isEqualTo(text);
            int[] prompt = model.chat("", List.of(text), asked.get(1));
            assertThat(whole.longest()).isEqualTo(prompt.length);
            assertThat(model.detokenize(Arrays.copyOf(prompt, whole.tokens()))).endsWith("End here.");

            FittedContext cut = FittedContext.of(model, text, asked, 300);
            assertThat(cut.cut()).isTrue();
            assertThat(cut.text()).startsWith("Begin here. ").endsWith("End here.");
            assertThat(cut.longest()).isBetween(298, 300);
            int half = model.tokenize(cut.text()).length / 2;
            assertThat(text)
                    .startsWith(cut.text().substring(0, half / 2))
                    .endsWith(cut.text().substring(cut.text().length() - half / 2));
            assertThatThrownBy(() -> FittedContext.of(model, text, asked, 20)).hasMessageContaining("--length");
        }
        LongQaResults results = run(OPTIONS.withLength(300), file("long", questions));
        assertThat(results.answers()).extracting(LongQaResults.Answered::cut).containsExactly(true, true, false);
        assertThat(results.answers()).allMatch(answer -> answer.tokens() <= 295);
        assertThat(results.cut()).isEqualTo(2);
        assertThat(results.table()).contains("2 of 3 questions");
    }

    @Test
    void whatATextIsCutToDoesNotDependOnHowManyQuestionsAreAsked() {
        String text = "More of the same. ".repeat(40);
        QuestionFile file =
                file("long", List.of(question(1, "", text, "Why?"), question(2, "", text, "Why? ".repeat(9))));
        int one = run(OPTIONS.withLength(400).withSamples(1), file)
                .answers()
                .getFirst()
                .tokens();
        assertThat(run(OPTIONS.withLength(400).withKv(List.of("f16")), file)
                        .answers()
                        .getFirst()
                        .tokens())
                .isEqualTo(one);
    }

    @Test
    void whatWasFinishedBeforeACancellationIsKept() throws IOException {
        Cancellation cancellation = new Cancellation();
        List<Long> reports = new ArrayList<>();
        Progress stopping = (done, total) -> {
            reports.add(done);
            if (Files.exists(folder.resolve("longqa-qwen2.jsonl")) && sizeOfResults() > 0) {
                cancellation.cancel();
            }
        };
        assertThatThrownBy(() -> LongQaEval.run(
                        MODEL, STRETCHED, OPTIONS, file("abc", QUESTIONS), folder, stopping, cancellation))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED));
        assertThat(reports).isSorted();
        List<String> kept = lines();
        assertThat(kept).hasSize(1);
        assertThat(run(OPTIONS).answers()).hasSize(3);
        assertThat(lines()).hasSize(3).startsWith(kept.getFirst());
    }

    private long sizeOfResults() {
        try {
            return Files.size(folder.resolve("longqa-qwen2.jsonl"));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void severalMethodsAreAskedTheSameAndGoOnFromOneReading() throws IOException {
        LongQaOptions several =
                OPTIONS.withAttention(List.of("dense", "topk:budget=100%", "topk:budget=4:sinks=1:window=1"));
        LongQaResults results = run(several);
        List<String> texts = texts(results);
        assertThat(texts).hasSize(9);
        assertThat(texts.subList(3, 6)).isEqualTo(texts.subList(0, 3)); // all tokens are as good as dense
        assertThat(results.answers().subList(0, 3)).allMatch(answer -> answer.density() == 1 && answer.bytesRead() > 0);
        assertThat(results.answers().subList(6, 9)).allMatch(answer -> answer.density() < 0.2);
        assertThat(results.rows()).hasSize(3 * 2 * AnswerMetric.values().length);
        assertThat(lines()).hasSize(9);
        assertThat(run(OPTIONS).answers()).isEqualTo(results.answers().subList(0, 3));
        assertThat(lines()).hasSize(9);
        assertThat(run(several.withProtocol(Protocol.B)).answers().subList(6, 9))
                .allMatch(answer -> answer.density() < 0.2);
    }

    @Test
    void resultsAreToldByDataSetAndMetric() throws IOException {
        LongQaResults results = results(List.of("dense"));

        assertThat(results.rows())
                .extracting(LongQaResults.Row::task, LongQaResults.Row::metric, row -> Math.round(row.score()))
                .containsExactly(
                        tuple("ferry", AnswerMetric.F1, 0L),
                        tuple("ferry", AnswerMetric.EXACT_MATCH, 0L),
                        tuple("ferry", AnswerMetric.ROUGE_L, 0L),
                        tuple("ferry", AnswerMetric.ACCURACY, 0L),
                        tuple("harbour", AnswerMetric.F1, 83L),
                        tuple("harbour", AnswerMetric.EXACT_MATCH, 50L),
                        tuple("harbour", AnswerMetric.ROUGE_L, 83L),
                        tuple("harbour", AnswerMetric.ACCURACY, 100L));
        assertThat(results.table())
                .containsPattern("mean of data sets accuracy +50\\.0\n")
                .contains("1 of 3 questions")
                .doesNotContain("beside");
        assertThat(results.toJson())
                .contains("\"metric\":\"exact_match\"", "\"task\":\"ferry\"", "\"file\":\"q.jsonl\"", "\"cut\":1")
                .doesNotContain("paired");
        assertThat(Files.readAllLines(results.writeCsv(folder)))
                .containsExactly(
                        "line,id,dataset,method,kv,tokens,cut,f1,exact_match,rouge_l,accuracy,answer",
                        "1,q1,ferry,dense,f32,30,false,0.00,0.00,0.00,0.00,none",
                        "2,q2,harbour,dense,f32,30,true,66.67,0.00,66.67,100.00,\"two \"\"lights\"\"\"",
                        "4,q4,harbour,dense,f32,30,false,100.00,100.00,100.00,100.00,B. two");
        assertThat(folder.resolve("longqa-q-tiny.csv")).exists();
    }

    @Test
    void methodsAreComparedOnTheSameQuestions() {
        LongQaResults results = results(List.of("dense", "uniform:budget=2%"));

        assertThat(results.cut()).isEqualTo(1);
        assertThat(results.table())
                .contains("  accuracy beside dense, f32: -50.0", "better on 0 samples, worse on 2", "1 of 3 questions");
        assertThat(results.toJson()).contains("\"paired\":{\"difference\":-100", "\"worse\":2");
    }

    /** Of the methods the first is right in part, the others are always wrong. */
    private static LongQaResults results(List<String> attention) {
        LongQaOptions options = OPTIONS.withAttention(attention);
        List<LongQaResults.Answered> answers = new ArrayList<>();
        for (Method method : options.methods()) {
            List<String> said = method.attention().equals("dense")
                    ? List.of("none", "two \"lights\"", "B. two")
                    : List.of("none", "none", "none");
            for (int i = 0; i < said.size(); i++) {
                answers.add(new LongQaResults.Answered(QUESTIONS.get(i), method, 30, i == 1, said.get(i), 8, 1));
            }
        }
        Evaluated evaluated = new Evaluated("tiny", "123", 1, Provenance.here("lectern"));
        return new LongQaResults(evaluated, options, file("abc", QUESTIONS), 500, answers);
    }

    @Test
    void whatCannotBeIsSaid() {
        assertThatThrownBy(() -> LongQaOptions.DEFAULT.withLength(10)).hasMessageContaining("--length is 10");
        assertThatThrownBy(() -> LongQaOptions.DEFAULT.withMaxTokens(0)).hasMessageContaining("--max-tokens is 0");
        assertThatThrownBy(() -> LongQaOptions.DEFAULT.withSamples(-1)).hasMessageContaining("--samples is -1");
        assertThatThrownBy(() -> run(OPTIONS.withLength(100_000))).hasMessageContaining("--length 100000");
        assertThatThrownBy(() -> run(OPTIONS.withLength(256).withMaxTokens(256)))
                .hasMessageContaining("--max-tokens 256");
        assertThatThrownBy(() -> run(OPTIONS.withKv(List.of("f17")))).hasMessageContaining("f17");
    }
}
