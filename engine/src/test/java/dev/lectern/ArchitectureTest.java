package dev.lectern;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Which room of the engine may know which: dependencies point one way. */
@AnalyzeClasses(packages = "dev.lectern", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String ROOT = "dev.lectern";

    /** What everybody may use. */
    private static final DescribedPredicate<JavaClass> WORDS = any(
            "errors, progress and cancellation",
            LecternException.class,
            BadModelFileException.class,
            Progress.class,
            Cancellation.class);

    /** What those who take steps need of the public API. */
    private static final DescribedPredicate<JavaClass> OBSERVERS = any(
            "observers, questions and what was read",
            AttentionObserver.class,
            Question.class,
            Traffic.class,
            Pairs.class);

    /** What those who attend need of it. */
    private static final DescribedPredicate<JavaClass> ATTENDING =
            any("observers, shapes and what was read", AttentionObserver.class, AttentionShape.class, Traffic.class);

    /** What the makers of answers need of the public API. */
    private static final DescribedPredicate<JavaClass> ANSWERS =
            any("answers and their options", Answer.class, GenerateOptions.class, Sampling.class, TokenListener.class);

    private static DescribedPredicate<JavaClass> any(String description, Class<?>... types) {
        DescribedPredicate<JavaClass> any = belongToAnyOf(types);
        return DescribedPredicate.describe(description, type -> any.test(type.getBaseComponentType()));
    }

    private static ArchRule room(String room, String... others) {
        DescribedPredicate<JavaClass> allowed =
                resideInAPackage(ROOT + "." + room + "..").or(WORDS);
        for (String other : others) {
            allowed = allowed.or(resideInAPackage(ROOT + "." + other + ".."));
        }
        if (room.equals("attention")) {
            allowed = allowed.or(ATTENDING);
        }
        if (room.equals("prefill")) {
            allowed = allowed.or(OBSERVERS);
        }
        if (room.equals("generate")) {
            allowed = allowed.or(ANSWERS);
        }
        return noClasses()
                .that()
                .resideInAPackage(ROOT + "." + room + "..")
                .should()
                .dependOnClassesThat(resideInAPackage(ROOT + "..").and(not(allowed)))
                .as(room + " knows " + (others.length == 0 ? "no other room" : String.join(", ", others)));
    }

    @ArchTest
    static final ArchRule JSON = room("json");

    @ArchTest
    static final ArchRule KERNEL = room("kernel");

    @ArchTest
    static final ArchRule COMM = room("comm");

    @ArchTest
    static final ArchRule OPTIONS = room("options");

    @ArchTest
    static final ArchRule WEIGHTS = room("weights", "kernel", "json");

    @ArchTest
    static final ArchRule TEXT = room("text", "weights", "json");

    @ArchTest
    static final ArchRule KV = room("kv", "kernel", "options");

    @ArchTest
    static final ArchRule KEPT = room("kept", "json");

    @ArchTest
    static final ArchRule MODEL = room("model", "weights", "kernel");

    @ArchTest
    static final ArchRule ATTENTION = room("attention", "kv", "kernel", "options", "weights");

    @ArchTest
    static final ArchRule PREFILL = room("prefill", "model", "kv", "attention", "kernel", "options", "json", "comm");

    @ArchTest
    static final ArchRule GENERATE = room("generate", "prefill", "model", "kv", "attention", "kernel", "text");

    @ArchTest
    static final ArchRule ONLY_THE_API_USES_GENERATE = noClasses()
            .that()
            .resideOutsideOfPackages(ROOT, ROOT + ".generate..")
            .should()
            .dependOnClassesThat(resideInAPackage(ROOT + ".generate.."));

    @ArchTest
    static final ArchRule ROOMS_FORM_NO_CYCLE =
            slices().matching("dev.lectern.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule ONLY_KERNELS_USE_THE_VECTOR_API = noClasses()
            .that()
            .resideOutsideOfPackage(ROOT + ".kernel..")
            .should()
            .dependOnClassesThat(resideInAPackage("jdk.incubator.vector.."));

    @ArchTest
    static final ArchRule SCALAR_KERNELS_RUN_WITHOUT_THE_VECTOR_API = noClasses()
            .that()
            .haveNameMatching(ROOT + "\\.kernel\\.(Scalar\\w+|Blocks|Interleaved|Matrix|Fused|Workers)")
            .should()
            .transitivelyDependOnClassesThat(resideInAPackage("jdk.incubator.vector.."));

    @ArchTest
    static final ArchRule ONLY_JSON_PARSES_JSON = noClasses()
            .that()
            .resideOutsideOfPackage(ROOT + ".json..")
            .should()
            .dependOnClassesThat(resideInAPackage("tools.jackson.."));

    @ArchTest
    static final ArchRule NOTHING_ELSE_IS_NEEDED = classes()
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(
                    ROOT + "..",
                    "java..",
                    "jdk.jfr..",
                    "jdk.incubator.vector..",
                    "com.sun.management..",
                    "tools.jackson.core..",
                    "org.jspecify.annotations.."));
}
