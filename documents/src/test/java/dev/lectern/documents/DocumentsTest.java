package dev.lectern.documents;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lectern.LecternException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class DocumentsTest {
    @TempDir
    private Path folder;

    private static Document read(byte[] bytes, String name) {
        return Documents.read(new ByteArrayInputStream(bytes), name);
    }

    private static Document read(String text, String name) {
        return read(text.getBytes(UTF_8), name);
    }

    private static LecternException refusal(byte[] bytes, String name) {
        LecternException refusal = catchThrowableOfType(LecternException.class, () -> read(bytes, name));
        assertThat(refusal).isNotNull();
        assertThat(refusal.kind()).isEqualTo(LecternException.Kind.BAD_DOCUMENT);
        assertThat(refusal).hasMessageStartingWith(name + ": ");
        return refusal;
    }

    private LecternException refusal(Path path) {
        return catchThrowableOfType(LecternException.class, () -> Documents.read(path));
    }

    @Test
    void plainTextStaysAsItIs() {
        String text = "  Tide\ttable\n\n\n# no heading\u00A0here \n";
        assertThat(read(text, "a.txt")).isEqualTo(new Document("a.txt", text, List.of()));
    }

    @Test
    void lineEndsBecomeNewlinesAndControlCharactersGo() {
        assertThat(read("a".repeat(80) + "\r\nb\rc\fd\u0085e\u000Bf\u0001g\u007Fh\u009Bi\tj", "a.txt")
                        .text())
                .isEqualTo("a".repeat(80) + "\nb\nc\nd\ne\nfghi\tj");
        assertThat(TextBytes.clean("x\uD83D\uDE00y\uD83Dz\uDE00")).isEqualTo("x\uD83D\uDE00y\uFFFDz\uFFFD");
    }

    @Test
    void unicodeIsRecognisedByItsByteOrderMark() {
        for (Charset charset : List.of(UTF_8, StandardCharsets.UTF_16LE, StandardCharsets.UTF_16BE)) {
            assertThat(read("\uFEFFGrüße, 世界 🚢".getBytes(charset), "a.txt").text())
                    .as(charset.name())
                    .isEqualTo("Grüße, 世界 🚢");
        }
    }

    @Test
    void markdownStaysItselfAndItsHeadingsAreMarked() {
        String text = """
                The *Pier*
                ==========
                Text.

                ## Built of `oak` and [iron](http://example.org) ##
                ```
                # a comment in a shell script
                ```
                > # quoted

                - item

                  ### Inside a list
                | a | b |
                |---|---|
                #
                """;
        Document document = read(text, "a.MD");
        assertThat(document.text()).isEqualTo(text);
        assertThat(document.marks())
                .extracting(m -> m.level() + " " + m.label())
                .containsExactly("1 The Pier", "2 Built of oak and iron", "3 Inside a list");
        assertThat(document.marks())
                .extracting(m -> text.substring(m.offset(), m.offset() + 4))
                .containsExactly("The ", "## B", "### ");
    }

    @Test
    void aNameWithoutAKnownEndingIsJudgedByItsBeginning() {
        assertThat(read("\uFEFF\n<!-- x --> <!DOCTYPE HTML><p>one<p>two", "-").text())
                .isEqualTo("one\n\ntwo");
        assertThat(read("<?xml version='1.0'?><html><p>one</html>", "page").text())
                .isEqualTo("one");
        assertThat(read("<htmlish> is no tag", "page.log").text()).isEqualTo("<htmlish> is no tag");
        assertThat(read(PdfSamples.bytes(PdfSamples.book()), "-").text()).contains("212 steps");
    }

    @Test
    void theDashReadsStandardInput() {
        InputStream before = System.in;
        System.setIn(new ByteArrayInputStream("from a pipe".getBytes(UTF_8)));
        try {
            assertThat(Documents.read(Path.of("-")))
                    .isEqualTo(new Document("standard input", "from a pipe", List.of()));
        } finally {
            System.setIn(before);
        }
    }

    @Test
    void emptyDocumentsAreRefused() throws IOException {
        assertThat(refusal(new byte[0], "a.txt")).hasMessage("a.txt: the document is empty.");
        for (String name : new String[] {"a.txt", "a.md"}) {
            assertThat(refusal("\uFEFF \n\t\u00A0\u200B\r\n".getBytes(UTF_8), name))
                    .hasMessageContaining("white space");
        }
        assertThat(refusal(new byte[0], "a.pdf")).hasMessageContaining("empty");
        Path file = Files.createFile(folder.resolve("none.pdf"));
        assertThat(refusal(file)).hasMessage(file + ": the document is empty.");
    }

    @Test
    void binaryDocumentsAreRefusedWithARemedy() {
        assertThat(refusal(new byte[] {'a', 0, 'b'}, "a.txt")).hasMessageContaining("binary");
        byte[] noise = new byte[4096];
        new Random(7).nextBytes(noise);
        for (int i = 0; i < noise.length; i++) {
            noise[i] = noise[i] == 0 ? 1 : noise[i];
        }
        assertThat(refusal(noise, "a.md")).hasMessageContaining("binary");
        assertThat(refusal("PK\3\4\0\0".getBytes(UTF_8), "a.docx")).hasMessageContainingAll("office", "pandoc");
        assertThat(refusal("{\\rtf1 Hello}".getBytes(UTF_8), "a.rtf")).hasMessageContaining("Rich Text");
        assertThat(refusal(new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0}, "a"))
                .hasMessageContaining("picture");
        assertThat(refusal(new byte[] {0x1F, (byte) 0x8B, 8, 0}, "a.gz")).hasMessageContaining("gunzip");
        assertThat(refusal(new byte[] {(byte) 0xFF, (byte) 0xFE, 0, 0, 'a', 0, 0, 0}, "a.txt"))
                .hasMessageContaining("binary");
    }

    @Test
    void aLegacyEncodingIsRefusedWithThePlaceOfTheFirstBadByte() {
        byte[] latin1 = "x".repeat(2000).concat("Grüße").getBytes(StandardCharsets.ISO_8859_1);
        assertThat(refusal(latin1, "a.txt"))
                .hasMessageContainingAll("not UTF-8", "0xFC", "offset 2,002", "iconv -f WINDOWS-1252");
        assertThat(refusal(new byte[] {(byte) 0xFE, (byte) 0xFF, (byte) 0xDC, 0, 0, 'a'}, "a.txt"))
                .hasMessageContainingAll("not UTF-16BE", "offset 2");
        assertThat(refusal(new byte[] {'a', (byte) 0xE2, (byte) 0x82}, "a.txt")).hasMessageContaining("offset 1");
    }

    @Test
    void aFolderIsNoDocument() {
        assertThat(refusal(folder))
                .hasMessage(folder + ": this is a folder, not a document; name the files in it instead.");
    }

    @Test
    void aMissingFileSuggestsItsNeighbour() throws IOException {
        Files.writeString(folder.resolve("harbour-report.md"), "x");
        LecternException missing = refusal(folder.resolve("harbor-Report.md"));
        assertThat(missing.kind()).isEqualTo(LecternException.Kind.NOT_FOUND);
        assertThat(missing).hasMessageEndingWith("did you mean " + folder.resolve("harbour-report.md") + "?");
        assertThat(refusal(folder.resolve("zebra.txt"))).hasMessageEndingWith("zebra.txt: no such file.");
        assertThat(refusal(folder.resolve("nowhere/a.txt"))).hasMessageContaining("its folder does not exist");
        assertThat(refusal(folder.resolve("harbour-report.md/a.txt")).kind())
                .isEqualTo(LecternException.Kind.NOT_FOUND);
        assertThat(NearMiss.edits("kitten", "sitting")).isEqualTo(3);
    }

    @Test
    void aFileWithoutPermissionIsRefused() throws IOException {
        Path file = Files.writeString(folder.resolve("a.txt"), "x");
        assumeTrue(file.toFile().setReadable(false) && !Files.isReadable(file), "this user may read everything");
        assertThat(refusal(file)).hasMessageContaining("may not be read by this user");
    }

    @Test
    void aFileBeyondTheLimitIsRefusedBeforeItIsRead() throws IOException {
        Path file = folder.resolve("big.txt");
        try (var sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(Format.TEXT.limitBytes() + 1);
        }
        assertThat(refusal(file)).hasMessageContainingAll("larger than 64 MiB", "split");
    }

    @Test
    void aStreamThatNeverEndsIsRefused() {
        var endless = new InputStream() {
            @Override
            public int read() {
                return 'x';
            }

            @Override
            public int read(byte[] into, int offset, int length) {
                Arrays.fill(into, offset, offset + length, (byte) 'x');
                return length;
            }
        };
        assertThat(catchThrowableOfType(LecternException.class, () -> Documents.read(endless, "-")))
                .hasMessageContaining("larger than 64 MiB");
    }

    /** It takes a tenth of a second; the limit, for a busy machine, catches an algorithm that is not linear. */
    @Test
    @Timeout(30)
    void aMegabyteOfTextTakesNoTime() {
        String paragraph =
                "The *keeper* trimmed the [wick](x) and `wrote` <b>it</b> down & slept.\n\n# Night\n\n> - watch\n";
        String text = paragraph.repeat((1 << 20) / paragraph.length());
        for (String name : new String[] {"a.txt", "a.md", "a.html"}) {
            assertThat(read(text, name).text()).hasSizeGreaterThan(800_000);
        }
    }

    @Test
    @Timeout(60)
    void deepMarkdownEnds() {
        for (String deep : new String[] {"> ", "- ", "* a\n", "[", "**a ", "`", "<b>", "1. "}) {
            assertThat(read(deep.repeat(100_000) + "\n# " + deep.repeat(5_000) + "x\n", "a.md")
                            .text())
                    .contains("x");
        }
    }
}
