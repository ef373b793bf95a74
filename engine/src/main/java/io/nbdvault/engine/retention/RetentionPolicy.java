package io.nbdvault.engine.retention;

import io.nbdvault.chunkstore.CatalogEntry;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which snapshots are kept. Each VM is looked at alone; a snapshot is kept if any rule keeps it.
 *
 * <p>What no rule has to say:
 *
 * <ul>
 *   <li>Protected snapshots are kept and not counted, as if the others were all there are.
 *   <li>So are those whose time is in the future: a clock that was wrong once, or somebody who
 *       wants it so, must not fill the rules' counts for years.
 *   <li>The newest of a VM is kept, and the newest that has a disk which later ones left out: it is
 *       what the next backup goes on from, and all that is left of that disk. This too looks at the
 *       counted ones only.
 * </ul>
 *
 * <p>{@code Within} looks back from now, or from the newest counted snapshot where that is earlier.
 * So nothing goes because backups have stopped, or because this machine's clock is ahead. It is the
 * one rule that any number of fresh snapshots cannot push good ones out of.
 *
 * @param rules at least one; the periods, {@code Last} and {@code Within} once each
 */
public record RetentionPolicy(List<KeepRule> rules) {
  /** Checks that there are rules, and none twice. */
  public RetentionPolicy {
    rules = List.copyOf(rules);
    if (rules.isEmpty()) {
      throw new IllegalArgumentException(
          "keep rules: none (expected: at least one, as nothing would be kept)");
    }
    Set<Object> kinds = new HashSet<>();
    for (KeepRule rule : rules) {
      if (!kinds.add(kindOf(rule))) {
        throw new IllegalArgumentException("keep rules: " + rule + " (expected: one of its kind)");
      }
    }
  }

  private static Object kindOf(KeepRule rule) {
    if (rule instanceof KeepRule.Periodic periodic) {
      return periodic.period();
    }
    return rule instanceof KeepRule.Tagged ? rule : rule.getClass();
  }

  /**
   * Decides.
   *
   * @param entries snapshots in any order; the forgotten ones are not decided on again, but help to
   *     tell in which order the others were committed
   * @param now by this machine's clock
   * @param zone whose hours, days, weeks, months and years count
   */
  public RetentionPlan plan(List<CatalogEntry> entries, Instant now, ZoneId zone) {
    SortedMap<String, List<CatalogEntry>> byVm = new TreeMap<>();
    for (CatalogEntry entry : entries) {
      byVm.computeIfAbsent(entry.record().vm(), vm -> new ArrayList<>()).add(entry);
    }
    List<RetentionDecision> decisions = new ArrayList<>();
    List<String> alerts = new ArrayList<>();
    byVm.forEach(
        (vm, ofVm) -> {
          VmRetention retention = new VmRetention(ofVm, now, zone);
          rules.forEach(retention::apply);
          decisions.addAll(retention.decisions());
          retention.alert().ifPresent(alerts::add);
        });
    return new RetentionPlan(decisions, alerts);
  }
}
