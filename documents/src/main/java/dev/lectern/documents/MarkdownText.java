package dev.lectern.documents;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.commonmark.node.AbstractVisitor;
import org.commonmark.node.BlockQuote;
import org.commonmark.node.Code;
import org.commonmark.node.HardLineBreak;
import org.commonmark.node.Heading;
import org.commonmark.node.SoftLineBreak;
import org.commonmark.node.SourceSpan;
import org.commonmark.node.Text;
import org.commonmark.parser.IncludeSourceSpans;
import org.commonmark.parser.Parser;

/**
 * Markdown stays as it was written; only its headings are looked up.
 *
 * <p>Language models have read more Markdown than any rendering of it: tables, code, emphasis and links lose meaning when
 * they are flattened, and a quotation in an answer can be found in the file as it stands. The CommonMark parser says which
 * lines are headings, so that a {@code #} in a block of code is not taken for one.
 */
final class MarkdownText {
    /** Deeper quotes and lists are read as text: no one writes them, and the walk over the tree is recursive. */
    private static final int MAX_DEPTH = 64;

    /** Blocks alone: the inline text of a heading is kept as one node, all other inline text is skipped. */
    private static final Parser BLOCKS = Parser.builder()
            .includeSourceSpans(IncludeSourceSpans.BLOCKS)
            .maxOpenBlockParsers(MAX_DEPTH)
            .inlineParserFactory(context -> (lines, node) -> {
                if (node instanceof Heading) {
                    node.appendChild(new Text(lines.getContent()));
                }
            })
            .build();

    /** Inline markup alone: what a heading's line means without its stars, backticks and link targets. */
    private static final Parser INLINE =
            Parser.builder().enabledBlockTypes(Set.of()).build();

    private MarkdownText() {}

    static Document read(String name, String text) {
        var marks = new ArrayList<Mark>();
        BLOCKS.parse(text).accept(new AbstractVisitor() {
            @Override
            public void visit(Heading heading) {
                String label = heading.getFirstChild() instanceof Text content ? label(content.getLiteral()) : "";
                if (!label.isEmpty()) {
                    SourceSpan start = heading.getSourceSpans().getFirst();
                    marks.add(Mark.heading(start.getInputIndex(), heading.getLevel(), label));
                }
            }

            @Override
            public void visit(BlockQuote quote) {
                // A heading inside a quotation belongs to the quoted text, not to this one.
            }
        });
        return new Document(name, text, List.copyOf(marks));
    }

    private static String label(String markup) {
        var label = new StringBuilder();
        INLINE.parse(markup).accept(new AbstractVisitor() {
            @Override
            public void visit(Text text) {
                label.append(text.getLiteral());
            }

            @Override
            public void visit(Code code) {
                label.append(code.getLiteral());
            }

            @Override
            public void visit(SoftLineBreak line) {
                label.append(' ');
            }

            @Override
            public void visit(HardLineBreak line) {
                label.append(' ');
            }
        });
        return label.toString().strip();
    }
}
