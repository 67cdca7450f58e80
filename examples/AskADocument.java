import dev.lectern.Cancellation;
import dev.lectern.GenerateOptions;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Asks a model about a document: {@code AskADocument MODEL.gguf DOCUMENT.txt QUESTION}. */
final class AskADocument {
    public static void main(String[] args) throws IOException {
        String document = Files.readString(Path.of(args[1])) + "\n\n";
        try (Model model = Model.open(Path.of(args[0]), ModelOptions.DEFAULT);
                Session session = model.newSession(SessionOptions.DEFAULT)) {
            session.read(model.chat("", List.of(document), args[2]), Progress.NONE, new Cancellation());
            session.generate(
                    GenerateOptions.DEFAULT, (answer, token, text) -> System.out.print(text), new Cancellation());
            System.out.println();
        }
    }
}
