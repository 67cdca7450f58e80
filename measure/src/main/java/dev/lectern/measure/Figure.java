package dev.lectern.measure;

import dev.lectern.LecternException;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.List;

/** What numbers look like, drawn without a screen. Colours are apart for colour-blind readers too. */
public sealed interface Figure permits Bars, HeatMap, Lines {
    /**
     * Draws it into {@code NAME.png} and {@code NAME.svg}.
     *
     * @return the files
     * @throws LecternException if this machine cannot draw, with the remedy, or the files cannot be written
     */
    List<Path> write(Path folder, String name);

    /**
     * The same, but a machine that cannot draw is warned how it could: the numbers are there all the same.
     *
     * @return the files; none where it was not drawn
     */
    default List<Path> draw(Path folder, String name) {
        try {
            return write(folder, name);
        } catch (LecternException e) {
            System.getLogger("dev.lectern.measure").log(Level.WARNING, String.valueOf(e.getMessage()));
            return List.of();
        }
    }
}
