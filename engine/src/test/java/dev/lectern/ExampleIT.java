package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.core.json.JsonFactory;

/** The example is compiled and run as a module that requires the engine, so that it sees what the engine exports and no more. */
class ExampleIT {
    private static final Path EXAMPLES = Path.of("../examples");

    @TempDir
    Path folder;

    private String modulePath = "";

    @BeforeEach
    void findModules() throws URISyntaxException {
        modulePath = place(Model.class) + File.pathSeparator + place(JsonFactory.class);
    }

    private static Path place(Class<?> type) throws URISyntaxException {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    }

    /** Compiles a class of a module {@code example}; returns what the compiler said. */
    private String compile(String name, String source) throws IOException {
        Path sources = Files.createDirectories(folder.resolve("sources"));
        Path module =
                Files.writeString(sources.resolve("module-info.java"), "module example { requires dev.lectern; }");
        Path main = Files.createDirectories(sources.resolve("example")).resolve(name + ".java");
        Files.writeString(main, "package example;\n\n" + source);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter said = new StringWriter();
        try (var files = compiler.getStandardFileManager(null, null, null)) {
            compiler.getTask(
                            said,
                            files,
                            null,
                            List.of("-d", classes(), "--module-path", modulePath),
                            null,
                            files.getJavaFileObjects(module, main))
                    .call();
        }
        return said.toString();
    }

    private String classes() {
        return folder.resolve("classes").toString();
    }

    @Test
    void theExampleAnswersAQuestionAboutADocument() throws Exception {
        Path model = TestModels.smollm2();
        assertThat(compile("AskADocument", Files.readString(EXAMPLES.resolve("AskADocument.java"))))
                .doesNotContain("error:");
        Path document = Files.writeString(
                folder.resolve("harbour.txt"),
                "The harbour of Vell was opened in 1874. Its lighthouse is 31 metres high and painted green.");
        Path out = folder.resolve("out.txt"), err = folder.resolve("err.txt");
        Process java = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx1g",
                        "--enable-native-access=dev.lectern",
                        "--module-path",
                        modulePath + File.pathSeparator + classes(),
                        "--module",
                        "example/example.AskADocument",
                        model.toString(),
                        document.toString(),
                        "In which year was the harbour of Vell opened?")
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        try {
            assertThat(java.waitFor(3, TimeUnit.MINUTES)).as("ends").isTrue();
        } finally {
            java.destroyForcibly();
        }
        assertThat(java.exitValue()).as(Files.readString(err)).isZero();
        assertThat(Files.readString(out)).contains("1874").endsWith(System.lineSeparator());
    }

    @Test
    void whatIsNotExportedCannotBeUsed() throws IOException {
        assertThat(compile("Peeping", "class Peeping { Object kernels = dev.lectern.kernel.Kernels.matMul(); }"))
                .contains("error:");
    }
}
