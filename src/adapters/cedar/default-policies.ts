/** The rules of a hub whose owner wrote none: calm, local, and written to be read. `spec/default.cedar` is this text. */
export const defaultPoliciesName = "default policies";

export const defaultPolicies = `// What a hub allows before anybody wrote a rule. Rules of your own stand beside these, in the folder \`policies\`:
// a forbid closes what is open here, and a permit opens what nothing here opens. What no rule permits is denied.

// You, signed in at this hub.
@id("person")
permit (principal is Person, action, resource);

// An agent may do without asking what a person granted to its run.
@id("granted")
permit (principal is Agent, action, resource)
when { context.granted };

// An agent may read what the hub says of itself. Folders, hosts and models have to be granted, and so have the hub's books:
// journal, events, views, audit and conversations hold what others read in folders of theirs.
@id("agent-reads-hub")
permit (principal is Agent, action in Action::"read", resource is Hub)
unless { action in Action::"hub:books" };

// An agent may call the tools of MCP servers of which you said that they only read; the hub itself refuses all others here.
@id("agent-calls-tools-that-only-read")
permit (principal is Agent, action in Action::"tool:read", resource is Tool);

// An agent may fetch from hosts that are open: by the posture of the hub, or by a lease that somebody gave.
@id("open-hosts")
permit (principal is Agent, action in Action::"net:fetch", resource is Host)
when { context.open };

// Whatever else an agent would change, it asks for first.
@id("ask-before-change")
@ask("an agent asks before it changes anything")
permit (principal is Agent, action in [Action::"write", Action::"destroy"], resource)
unless { context.granted };

// What was read in files, on the web or from tools may carry instructions of strangers. It leaves the hub, or runs as a
// command, only after a person has seen it, whatever was granted.
@id("ask-before-strangers-words-leave")
@ask("this call is built from what was read in files, on the web or from tools")
permit (principal is Agent, action in [Action::"net:send", Action::"exec"], resource)
when { context.labels.containsAny(["file", "web", "tool"]) };

// An agent may ask models of the servers that you named, as far as its allowances go.
@id("agent-asks-models")
permit (principal is Agent, action in Action::"model:ask", resource is Model);

// What strangers wrote reaches a model of another machine only after you have seen it.
@id("ask-before-strangers-words-reach-models-elsewhere")
@ask("the model answers on another machine, and this call is built from what was read in files, on the web or from tools")
permit (principal is Agent, action in Action::"model:ask", resource in Machine::"another")
when { context.labels.containsAny(["file", "web", "tool"]) };

// A command that nothing confines can do whatever you can, and reaches hosts past the hub. You see each one of an agent first.
@id("ask-before-unconfined")
@ask("nothing confines commands on this machine, so it can do whatever you can")
permit (principal is Agent, action in Action::"exec", resource is Folder)
when { context has unconfined && context.unconfined };

// A plugin reads what the hub says of itself, and asks before it changes anything.
@id("plugin-reads-hub")
permit (principal is Plugin, action in Action::"read", resource is Hub)
unless { action in Action::"hub:books" };

@id("plugin-asks-before-change")
@ask("a plugin asks before it changes anything")
permit (principal is Plugin, action in [Action::"write", Action::"destroy"], resource);

// Another node of yours may read what this hub says of itself.
@id("node-reads-hub")
permit (principal is Node, action in Action::"read", resource is Hub)
unless { action in Action::"hub:books" };
`;
