/** Messages between the ranks that read one text together: {@link dev.lectern.comm.Communicator}, in one process or over a launcher's hosts. */
@NullMarked
package dev.lectern.comm;

import org.jspecify.annotations.NullMarked;
