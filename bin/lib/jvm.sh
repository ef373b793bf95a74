# shellcheck shell=bash disable=SC2034,SC2154
# What a JVM of nbdvault is started with. Sourced by bin/nbdvault and by the benchmarks, and read by
# the tests, so that all of them speak of the same program. Starts no process.

# jvm_options: sets `options` to what every run gets, by jdk_major and the directory `native`, if set.
jvm_options() {
  options=(
    # The budget is what a small host has to spare: docs/ has the sum. Only a collection of a
    # hundred million chunks lives on more than the heap begins with.
    -Xms160m -Xmx512m -XX:MaxNewSize=53m -XX:MaxDirectMemorySize=192m -XX:+UseSerialGC
    # The second compiler takes more than it gives in a run of seconds, but for what it alone can do
    # with hashes and ciphers.
    -XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000
    -XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000
    -XX:CompileCommand=quiet
    '-XX:CompileCommand=CompileThresholdScaling,sun.security.provider.*::*,0.01'
    '-XX:CompileCommand=CompileThresholdScaling,com.sun.crypto.provider.*::*,0.01'
    # Events that nobody records, whose classes take a tenth of a second to make.
    -Dio.netty.jfr.enabled=false
    # Else every jar is looked through for one.
    -Dslf4j.provider=org.slf4j.simple.SimpleServiceProvider -Dslf4j.internal.verbosity=WARN
    # The distribution's part of JNA may be of another version than ours.
    -Djna.nosys=true
    # No file per run in /tmp, and no word of the JVM's own on stdout, where --json is read.
    -XX:-UsePerfData -Xlog:disable
  )
  # Netty, RocksDB, LZ4 and JNA load native code and use Unsafe; newer Javas warn unless they are told.
  ((jdk_major >= 24)) && options+=(--enable-native-access=ALL-UNNAMED)
  ((jdk_major >= 23)) && options+=(--sun-misc-unsafe-memory-access=allow)
  # Else each of them unpacks its library to /tmp at each start, and leaves it there if killed.
  if [[ -d ${native:-} ]]; then
    options+=("-Djava.library.path=$native" "-Djna.boot.library.path=$native")
  fi
}

# malloc_settings: exports what tells the C library how to use memory.
malloc_settings() {
  # More malloc arenas only cost memory: RocksDB's and Netty's buffers live long.
  export MALLOC_ARENA_MAX=${MALLOC_ARENA_MAX:-2}
  # Read-ahead buffers of a megabyte or two, made anew for each file, are not to be new pages each.
  export MALLOC_MMAP_THRESHOLD_=${MALLOC_MMAP_THRESHOLD_:-4194304}
  export MALLOC_TRIM_THRESHOLD_=${MALLOC_TRIM_THRESHOLD_:-33554432}
}
