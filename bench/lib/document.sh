# shellcheck shell=bash
# Puts figures into a page. Sourced by whatever measures them; needs the function die.

# replace_marked DOCUMENT BEGIN END FIGURES: what stands between two lines becomes the content of a file.
replace_marked() {
  awk -v begin="$2" -v end="$3" -v figures="$4" '
    $0 == begin { print; print ""; while ((getline one < figures) > 0) print one; print ""; inside = 1 }
    $0 == end { inside = 0; found = 1 }
    !inside
    END { exit !found }' "$1" >"$4.document" || die "$1 has no line $3"
  cat "$4.document" >"$1"
}
