package dev.lectern.documents;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.lectern.LecternException;
import java.io.ByteArrayInputStream;
import java.nio.charset.Charset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class HtmlTextTest {
    private static Document page(String html) {
        return Documents.read(new ByteArrayInputStream(html.getBytes(UTF_8)), "page.html");
    }

    private static String text(String html) {
        return page(html).text();
    }

    private static Document page(String html, String charset) {
        return Documents.read(new ByteArrayInputStream(html.getBytes(Charset.forName(charset))), "page.html");
    }

    @Test
    void blocksStandOnLinesAndHeadingsAreMarked() {
        Document page = page("""
                <!DOCTYPE html><html><head><title>Bridge – Report</title><style>p{}</style></head><body>
                <nav><a href="/">Home</a></nav>
                <h1>Bridge</h1><p>It has   two
                <b>towers</b>.</p><h2>The <i>cables</i></h2><div>One</div><div>Two<br>Three</div>
                <script>alert("no")</script><p>End&nbsp;of it.</p></body></html>""");
        assertThat(page.text())
                .isEqualTo("# Bridge\n\nIt has two towers.\n\n## The cables\n\nOne\nTwo\nThree\n\nEnd\u00A0of it.");
        assertThat(page.headingsAt(page.text().indexOf("Three")))
                .extracting(Mark::label)
                .containsExactly("Bridge", "The cables");
        assertThat(page.marks().getLast().offset()).isEqualTo(page.text().indexOf("## The"));
    }

    @Test
    void theTitleIsTheFirstHeadingIfThePageHasNone() {
        Document page = page("<title>Tide tables</title><p>High water at noon.");
        assertThat(page.text()).isEqualTo("# Tide tables\n\nHigh water at noon.");
        assertThat(page.marks()).containsExactly(new Mark(0, Mark.Kind.HEADING, 1, "Tide tables"));
    }

    @Test
    void listsKeepTheirNumbersAndDepth() {
        assertThat(
                        text(
                                "<ol start=3><li>three<ul><li>inner</li><li><p>also</p></li></ul></li><li>four</li></ol><p>end"))
                .isEqualTo("3. three\n  - inner\n  - also\n4. four\n\nend");
        assertThat(text("<dl><dt>Draught</dt><dd>depth of a ship</dd></dl>")).isEqualTo("Draught\n  depth of a ship");
    }

    @Test
    void aTableRowIsOneLine() {
        assertThat(
                        text(
                                "<table><caption>Ships</caption><tr><th>Name</th><th>Tons</th></tr><tr><td><p>Ada</p></td>"
                                        + "<td> 12\n</td></tr><tr><td></td><td>&nbsp;</td></tr><tr><td></td><td>40</td></tr></table>after"))
                .isEqualTo("Ships\nName | Tons\nAda | 12\n | 40\n\nafter");
    }

    @Test
    void aTableAroundTablesIsLayout() {
        assertThat(text(
                        "<table><tr><td><h1>Left</h1><p>Words.</p></td><td><table><tr><td>a</td><td>b</td></tr><tr><td>c</td>"
                                + "<td>d</td></tr></table></td></tr></table>"))
                .isEqualTo("# Left\n\nWords.\n\na | b\nc | d");
    }

    @Test
    void preformattedTextStaysAsItIs() {
        assertThat(text("<p>Run</p><pre><code>for x in y:\n\n    print(x)   # <b>bold</b>\n</code></pre><p>done"))
                .isEqualTo("Run\n\nfor x in y:\n\n    print(x)   # bold\n\ndone");
    }

    @Test
    void linksPicturesQuotesAndPowersAreText() {
        assertThat(text(
                        "<p>See <a href='x'>the chart</a> <img src=x alt='a buoy'> <q>well</q> 10<sup>6</sup> 1<sup>st</sup>"
                                + " word<sup><a href='#1'>1</a></sup> soft&shy;ly"))
                .isEqualTo("See the chart [image: a buoy] \"well\" 10^6 1st word1 softly");
    }

    @Test
    void mainIsKeptAloneOnlyIfItIsTheContent() {
        String long_ = "The pier was closed for repairs. ".repeat(5);
        assertThat(text("<div>Cookies?</div><main><p>" + long_ + "</main><footer>Imprint</footer>"))
                .isEqualTo(long_.strip());
        assertThat(text("<div>" + long_ + "</div><main>Skip</main>")).contains("pier", "Skip");
    }

    @Test
    void hiddenTextIsNotRead() {
        assertThat(
                        text(
                                "<p hidden>a</p><p style='color:red; DISPLAY : none'>b</p><span aria-hidden=true>c</span>"
                                        + "<noscript>Enable scripts</noscript><form>d<select><option>e</select><button>f</button></form>"))
                .isEqualTo("d");
    }

    @Test
    void whatAWordProcessorExportsIsReadable() {
        String html = """
                <html xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:w="urn:schemas-microsoft-com:office:word">
                <head><meta http-equiv=Content-Type content="text/html; charset=windows-1252">
                <!--[if gte mso 9]><xml><w:WordDocument><w:View>Normal</w:View></w:WordDocument></xml><![endif]-->
                <style><!-- p.MsoNormal {margin:0cm;} --></style></head>
                <body lang=EN-GB><div class=WordSection1>
                <h1>Minutes<o:p></o:p></h1>
                <p class=MsoNormal><span lang=EN-GB style='mso-fareast-font-family:"Times New Roman"'>The
                council – all “present” – met.<o:p></o:p></span></p>
                <p class=MsoNormal><o:p>&nbsp;</o:p></p>
                <p class=MsoListParagraph><![if !supportLists]><span>1.<span>&nbsp;&nbsp; </span></span><![endif]>Budget</p>
                <table class=MsoNormalTable><tr><td><p class=MsoNormal>Item<o:p></o:p></p></td><td><p class=MsoNormal>Cost
                </p></td></tr></table></div></body></html>""";
        assertThat(page(html, "windows-1252").text())
                .isEqualTo(
                        "# Minutes\n\nThe council – all “present” – met.\n\n\u00A0\n\n1.\u00A0\u00A0 Budget\n\nItem | Cost");
    }

    @Test
    void malformedHtmlIsStillText() {
        assertThat(text("<p>one<p>two</div></p><b>three<table><tr>four<td>five</b></table><h2>six<h3>seven"))
                .contains("one", "two", "three", "four", "five", "## six", "### seven");
        assertThat(text("just < words & no tags &amp; &bogus; <unfinished"))
                .startsWith("just < words & no tags & &bogus;");
    }

    @Test
    void xhtmlKnowsElementsThatAreClosedAtOnce() {
        Document page = page("""
                <?xml version="1.0" encoding="UTF-8"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head>
                <title/><script src="x"/></head><body><a id="top"/><h1>Pier</h1><p>Built&#160;in 1881.</p></body></html>""");
        assertThat(page.text()).isEqualTo("# Pier\n\nBuilt\u00A0in 1881.");
    }

    @Test
    void theDeclaredEncodingIsHonoured() {
        assertThat(page("<meta charset='iso-8859-1'><p>Grüße – “ja”", "windows-1252")
                        .text())
                .isEqualTo("Grüße – “ja”");
        assertThat(page("<?xml version='1.0' encoding='koi8-r'?><html><p>маяк", "koi8-r")
                        .text())
                .isEqualTo("маяк");
        assertThat(page("<meta http-equiv=content-type content='text/html; charset=Shift_JIS'><p>灯台", "Shift_JIS")
                        .text())
                .isEqualTo("灯台");
        assertThat(page("\uFEFF<p>Grüße", "utf-16le").text()).isEqualTo("Grüße");
    }

    @Test
    void bytesThatDoNotFitTheEncodingAreRefusedWithTheirPlace() {
        assertThat(catchThrowableOfType(LecternException.class, () -> page("<p>Grüße", "windows-1252")))
                .hasMessageContainingAll("page.html: this is not UTF-8", "0xFC", "offset 5", "iconv");
        assertThat(catchThrowableOfType(LecternException.class, () -> page("<meta charset=klingon-8><p>x")))
                .hasMessageContainingAll("klingon-8", "Java does not know");
    }

    @Test
    void aPageThatOnlyScriptsFillIsRefused() {
        assertThat(catchThrowableOfType(
                        LecternException.class, () -> page("<html><div id=app></div><script>run()</script></html>")))
                .hasMessageContainingAll("no text", "scripts");
    }

    @Test
    @Timeout(60)
    void deepAndWideNestingEnds() {
        assertThat(text("<div>".repeat(100_000) + "deep")).contains("deep");
        assertThat(text("<table><tr><td>".repeat(5_000) + "deep")).contains("deep");
        assertThat(text("<ul><li>".repeat(20_000) + "deep")).contains("deep");
        assertThat(text("<b><i><a>".repeat(5_000) + "deep")).contains("deep");
        assertThat(text("<pre><h1><q>".repeat(5_000) + "deep")).contains("deep");
    }
}
