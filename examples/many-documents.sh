#!/bin/sh
# Asks one question about every document of a folder, with GNU parallel: a line for each on standard output, the document's name, a tab, and
# the object of "lectern ask --json". What failed is tried twice more; called again with the same JOBS file, it goes on where it stopped.
#
#   examples/many-documents.sh QUESTION FOLDER [OPTIONS OF ASK…] > answers.txt
#
# JOBS=FILE   where parallel notes what is done (many-documents.log)
# AT_ONCE=N   documents at once (1: a document takes all processors)
set -eu
if [ $# -lt 2 ] || [ ! -d "$2" ]; then
    echo "many-documents: a question and a folder are needed: $0 QUESTION FOLDER" >&2
    exit 2
fi
if ! command -v parallel >/dev/null; then
    echo "many-documents: GNU parallel is not installed: apt install parallel" >&2
    exit 2
fi
lectern=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)/lectern
question=$1
folder=$2
shift 2
find "$folder" -type f \( -name '*.md' -o -name '*.txt' -o -name '*.html' -o -name '*.pdf' \) | sort |
    parallel --will-cite --quote --tag --jobs "${AT_ONCE:-1}" --retries 3 --resume-failed \
        --joblog "${JOBS:-many-documents.log}" "$lectern" ask --json "$@" {} "$question"
