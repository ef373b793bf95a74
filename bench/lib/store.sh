# shellcheck shell=bash
# Builds and starts the programs that measure the store. Sourced by bench/scale and bench/lifecycle.

# shellcheck source=bin/lib/jdk.sh
source bin/lib/jdk.sh
# shellcheck source=bin/lib/jvm.sh
source bin/lib/jvm.sh
# build ROOT [MODULES]: of the project or of a copy of it; bench alone by default
build() {
  find_jdk 17 999 javac || die "no JDK of version 17 or later found"
  # In one run, so that the modules need not be installed.
  (cd "$1" && JAVA_HOME=$jdk_home mvn -q -B -ntp -P-checks -DskipTests -pl "${2:-bench}" -am \
    package dependency:build-classpath -Dmdep.outputFile=target/classpath)
}

# java_run CLASS ARGUMENTS...: with the options of bin/nbdvault; `root` is the project's, if it is
# not this directory. In a shell of its own: what else is measured keeps its own malloc.
java_run() (
  local at=${root:-.} native=''
  local -a options jar=("$at"/bench/target/bench-*.jar)
  jvm_options
  malloc_settings
  exec nice -n 5 "$jdk_home/bin/java" "${options[@]}" -cp "${jar[0]}:$(<"$at/bench/target/classpath")" "$@"
)
