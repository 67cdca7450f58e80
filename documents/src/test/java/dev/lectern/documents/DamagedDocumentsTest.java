package dev.lectern.documents;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.lectern.LecternException;
import java.io.ByteArrayInputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.apache.pdfbox.pdmodel.encryption.AccessPermission;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Damaged documents end in text or in a sentence, never in another exception. */
class DamagedDocumentsTest {
    private static final long SEED = 20_261_124;

    private static final String[] LIES = {
        "0", "-1", "2147483647", "99999999999999999999", "null", "[", "]", "<<", ">>", "1 0 R", "3 0 R", "stream",
                "endobj",
        "/Kids", "/Parent", "/Length", "%PDF-", "(", "<table>", "<td>", "<pre>", "</", "<li>", "<h1>", "&#", "<!--"
    };

    @Test
    @Timeout(120)
    void damagedPdfsNeverCrashTheReader() {
        var locked = PdfSamples.book();
        PdfSamples.protect(locked, "", new AccessPermission());
        var whole = List.of(
                PdfSamples.plainBytes(PdfSamples.book()),
                PdfSamples.bytes(PdfSamples.book()),
                PdfSamples.bytes(locked));
        damage(whole, "a.pdf", 1_400);
    }

    @Test
    @Timeout(120)
    void damagedHtmlNeverCrashesTheReader() {
        String page =
                "<!DOCTYPE html><html><head><meta charset=utf-8><title>Pier</title></head><body><main><h1>Pier</h1><p>Grüße"
                        + " <b>und</b> <a href=x>Tide</a> 10<sup>6</sup><ol start=2><li>one<ul><li>two</ul></ol><table><tr><th>a<th>b<tr>"
                        + "<td>1<td><table><tr><td>in</table></table><pre>\n x  y\n</pre><dl><dt>t<dd>d</dl></main></body></html>";
        damage(List.of(page.getBytes(UTF_8)), "a.html", 600);
        damage(List.of(("<?xml version='1.0' encoding='utf-8'?>" + page).getBytes(UTF_8)), "a.xhtml", 200);
        damage(List.of("# A\n\n> b\n- c\n  1. d\n\n```\ne\n```\nf\n===\n".getBytes(UTF_8)), "a.md", 200);
    }

    private static void damage(List<byte[]> whole, String name, int times) {
        for (int i = 0; i < times; i++) {
            var random = new Random(SEED + i);
            byte[] damaged = damage(whole.get(i % whole.size()), random);
            try {
                Document document = Documents.read(new ByteArrayInputStream(damaged), name);
                assertThat(document.text()).isNotBlank();
            } catch (LecternException e) {
                assertThat(e.kind()).isEqualTo(LecternException.Kind.BAD_DOCUMENT);
            } catch (RuntimeException | Error e) {
                fail("seed " + (SEED + i) + " of " + name, e);
            }
        }
    }

    /** Between one and six wounds: flipped bits, zeroes, lies written over or into it, parts moved, the end cut off. */
    private static byte[] damage(byte[] whole, Random random) {
        byte[] bytes = whole.clone();
        for (int wounds = 1 + random.nextInt(6); wounds > 0 && bytes.length > 1; wounds--) {
            int at = random.nextInt(bytes.length);
            int length = Math.min(bytes.length - at, 1 + random.nextInt(40));
            byte[] lie = LIES[random.nextInt(LIES.length)].getBytes(UTF_8);
            switch (random.nextInt(6)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> Arrays.fill(bytes, at, at + length, (byte) '0');
                case 2 -> System.arraycopy(lie, 0, bytes, at, Math.min(lie.length, bytes.length - at));
                case 3 -> bytes = insert(bytes, at, lie);
                case 4 -> System.arraycopy(bytes, random.nextInt(bytes.length - length + 1), bytes, at, length);
                default -> bytes = random.nextInt(4) == 0 ? Arrays.copyOf(bytes, at + 1) : bytes;
            }
        }
        return bytes;
    }

    private static byte[] insert(byte[] bytes, int at, byte[] inserted) {
        byte[] longer = Arrays.copyOf(bytes, bytes.length + inserted.length);
        System.arraycopy(inserted, 0, longer, at, inserted.length);
        System.arraycopy(bytes, at, longer, at + inserted.length, bytes.length - at);
        return longer;
    }
}
