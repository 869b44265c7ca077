# An example of a policy of your own. It is asked after the built-in rules, and `input` is plan.json.
# `deny` refuses a plan, `warn` tells whoever reads it, `require_approval` raises the quorum.
package replicas

# More replicas than anybody has asked for so far are probably a slip of the finger.
limit := 50

deny contains {"msg": msg, "change": change.id} if {
	some change in input.effect.changes
	change.resource.kind in {"Deployment", "StatefulSet"}
	is_object(change.after) # null where the object goes
	n := object.get(change.after, ["spec", "replicas"], 1)
	n > limit
	msg := sprintf("%s asks for %v replicas; the limit is %v (policies/replicas.rego)", [change.id, n, limit])
}
