package io.nbdvault.cli.render;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nbdvault.engine.retention.RetentionDecision;
import io.nbdvault.engine.retention.RetentionPlan;
import java.util.ArrayList;
import java.util.List;

/** What a policy says of each snapshot, as JSON; {@code docs/JSON.md} describes each field. */
public final class RetentionJson {
  private RetentionJson() {}

  /** An object for each snapshot, one for each alert, and the summary. */
  public static List<ObjectNode> of(RetentionPlan plan, boolean dryRun) {
    List<ObjectNode> objects = new ArrayList<>();
    plan.decisions().forEach(decision -> objects.add(of(decision)));
    plan.alerts().forEach(alert -> objects.add(JsonLines.event("warning").put("message", alert)));
    int forgotten = plan.forgotten().size();
    objects.add(
        JsonLines.event("summary")
            .put("job", "forget")
            .put("dryRun", dryRun)
            .put("kept", plan.decisions().size() - forgotten)
            .put("forgotten", forgotten));
    return objects;
  }

  private static ObjectNode of(RetentionDecision decision) {
    ObjectNode json =
        JsonLines.event("retention")
            .put("id", decision.snapshot().id().hex())
            .put("vm", decision.snapshot().vm())
            .put("time", decision.snapshot().time().toString())
            .put("kept", decision.kept());
    ArrayNode reasons = json.putArray("reasons");
    decision
        .reasons()
        .forEach(
            reason -> reasons.addObject().put("rule", reason.rule()).put("text", reason.text()));
    return json;
  }
}
