# What the rules of the built-in bundle share.
package countersign.lib

# "Deployment shop/web", or "Namespace shop" where the object has no namespace.
label(change) := sprintf("%s %s/%s", [r.kind, r.namespace, r.name]) if {
	r := change.resource
	r.namespace != ""
}

label(change) := sprintf("%s %s", [r.kind, r.name]) if {
	r := change.resource
	r.namespace == ""
}

# The object goes, for good or to be made anew.
removes(change) if "delete" in change.actions

# A removal that the trusted side has named in its settings.
removal_allowed(change) if change.id in data.settings.destroy_allowed

# What to do about a removal that is refused.
removal_advice(change) := sprintf(
	"leave it out, or list %q in settings.destroy_allowed on the trusted side first",
	[change.id],
)
