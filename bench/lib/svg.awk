# What the plots have in common.
function svg_begin(width, height) {
  printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\">\n", width, height
  print "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
}
function text(x, y, anchor, size, words) {
  printf "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"%s\" font-size=\"%d\">%s</text>\n", x, y, anchor, size, words
}
function svg_end() { print "</svg>" }
