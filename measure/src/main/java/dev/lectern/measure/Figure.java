package dev.lectern.measure;

import dev.lectern.LecternException;
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
}
