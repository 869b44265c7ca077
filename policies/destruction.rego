# What cannot be had back.
package countersign.destruction

import data.countersign.lib

# Objects that hold or mount persistent data.
stateful contains id if some id in input.effect.impact.stateful

# Environments where data is there to be thrown away.
disposable if input.proposal.environment in data.settings.data_loss_environments

# Stored bytes go, or nobody could find out that they do not.
deny contains {"id": "data_loss", "change": change.id, "msg": msg} if {
	some change in input.effect.changes
	change.class == "data-loss"
	change.certainty in {"certain", "unknown"}
	not change.id in in_use
	not disposable
	not lib.removal_allowed(change)
	msg := sprintf("%s: %s; %s", [lib.label(change), loses[change.certainty], lib.removal_advice(change)])
}

loses := {
	"certain": "loses stored data",
	"unknown": "may lose stored data, and nothing that could be read says otherwise",
}

# The loss lies in what happens later.
warn contains {"id": "data_loss_possible", "change": change.id, "msg": msg} if {
	some change in input.effect.changes
	change.class == "data-loss"
	change.certainty == "possible"
	msg := sprintf("%s: data can be lost by this; take a copy that you have read back", [lib.label(change)])
}

# Its data may stay behind, but what serves it goes.
deny contains {"id": "stateful_removed", "change": change.id, "msg": msg} if {
	some change in input.effect.changes
	lib.removes(change)
	change.id in stateful
	change.class in {"outage", "disruptive"}
	not lib.removal_allowed(change)
	msg := sprintf("%s: holds persistent data and is removed; %s", [lib.label(change), lib.removal_advice(change)])
}

# What takes other objects along that the plan does not list; data_loss leaves these to the two
# rules below, which say more.
in_use := namespaces_in_use | definitions_in_use

namespaces_in_use contains change.id if {
	some change in input.effect.changes
	change.resource.kind == "Namespace"
	lib.removes(change)
	not known_empty(change.resource.name)
}

deny contains {"id": "namespace_in_use", "change": change.id, "msg": msg} if {
	some change in input.effect.changes
	change.id in namespaces_in_use
	not disposable
	not lib.removal_allowed(change)
	msg := sprintf("%s: is not known to be empty, and takes its contents along; %s", [
		lib.label(change),
		lib.removal_advice(change),
	])
}

known_empty(namespace) if {
	facts := [fact | some fact in input.effect.facts.contents; fact.namespace == namespace]
	count(facts) > 0
	every fact in facts {
		count(fact.cases) == 0
	}
}

definitions_in_use contains change.id if {
	some change in input.effect.changes
	change.resource.kind == "CustomResourceDefinition"
	lib.removes(change)
	not known_unused(change.id)
}

deny contains {"id": "definition_in_use", "change": change.id, "msg": msg} if {
	some change in input.effect.changes
	change.id in definitions_in_use
	not disposable
	not lib.removal_allowed(change)
	msg := sprintf("%s: is not known to be unused, and takes every object of its kind along; %s", [
		lib.label(change),
		lib.removal_advice(change),
	])
}

known_unused(crd) if {
	facts := [fact | some fact in input.effect.facts.instances; fact.crd == crd]
	count(facts) > 0
	every fact in facts {
		fact.some == "no"
	}
}

# A protection and what it protects, in one plan.
guards contains change.id if {
	some change in input.effect.changes
	"guard-removed" in change.flags
}

removed[change.id] := change if {
	some change in input.effect.changes
	lib.removes(change)
	change.class in {"outage", "data-loss"}
	not lib.removal_allowed(change)
}

guarded contains [guard, id] if {
	some edge in input.effect.facts.edges
	edge.to in guards
	removed[edge.from]
	guard := edge.to
	id := edge.from
}

guarded contains [guard, id] if {
	some edge in input.effect.facts.edges
	edge.from in guards
	removed[edge.to]
	guard := edge.from
	id := edge.to
}

# The plan lists no edge of a change that interrupts nothing, so a selector is read here: by its
# matchLabels alone, since an expression could only select less.
guarded contains [guard, id] if {
	some change in input.effect.changes
	"guard-removed" in change.flags
	is_object(change.before)
	found := object.get(change.before, selector_of[change.resource.kind], null)
	is_object(found)
	selector := object.get(found, "matchLabels", {})
	is_object(selector)
	some id in selected(change.resource.namespace, selector)
	guard := change.id
}

selector_of := {
	"PodDisruptionBudget": ["spec", "selector"],
	"NetworkPolicy": ["spec", "podSelector"],
}

selected(namespace, selector) := {id |
	some id in labelled[[namespace, first_of(selector)]]
	labels := pod_labels[id]
	every name, value in selector {
		labels[name] == value
	}
}

# One label of a selector, or null where it selects everything.
first_of(selector) := [name, selector[name]] if {
	count(selector) > 0
	name := min(object.keys(selector))
}

first_of(selector) := null if count(selector) == 0

# What is removed, by each label of its pods, and by none.
labelled[key] contains id if {
	some id, change in removed
	some name, value in pod_labels[id]
	key := [change.resource.namespace, [name, value]]
}

labelled[key] contains id if {
	some id, change in removed
	key := [change.resource.namespace, null]
}

pod_labels[id] := object.union_n(found) if {
	some id, change in removed
	is_object(change.before)
	found := [labels |
		some path in [
			["metadata", "labels"],
			["spec", "template", "metadata", "labels"],
			["spec", "jobTemplate", "spec", "template", "metadata", "labels"],
		]
		labels := object.get(change.before, path, {})
		is_object(labels)
	]
}

guarded contains [id, id] if {
	some id in guards
	removed[id]
}

deny contains {"id": "guard_and_guarded", "change": id, "msg": msg} if {
	some [guard, id] in guarded
	msg := sprintf(
		"%s: is removed in the same plan as its protection %s; remove the protection in a plan of its own, or %s",
		[lib.label(removed[id]), guard, lib.removal_advice(removed[id])],
	)
}

warn contains {"id": "irreversible", "change": change.id, "msg": msg} if {
	some change in input.effect.changes
	"irreversible" in change.flags
	msg := sprintf("%s: no later change restores what is there now; keep a copy", [lib.label(change)])
}
