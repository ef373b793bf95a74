# Arithmetic of the benchmarks' scripts. Arrays begin at 1.

# Sorts the array's first n numbers in place.
function sort_numbers(a, n,   i, j, t) {
  for (i = 2; i <= n; i++)
    for (j = i; j > 1 && a[j - 1] + 0 > a[j] + 0; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
}

# The median of the first n numbers, which it sorts; nothing of none.
function median(a, n) {
  if (n == 0) return ""
  sort_numbers(a, n)
  return n % 2 ? a[(n + 1) / 2] + 0 : (a[n / 2] + a[n / 2 + 1]) / 2
}

# The smallest of n numbers in ascending order that at least so many per cent of them do not exceed.
function percentile(sorted, n, percent,   rank) {
  if (n == 0) return ""
  rank = int(n * percent / 100)
  if (rank < n * percent / 100) rank++
  return sorted[rank < 1 ? 1 : rank] + 0
}
