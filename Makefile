# The command surface. `make` alone prints it.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
SHELL := /bin/bash
.DEFAULT_GOAL := help

# The programmes in test/proof: in full when asked for by name, bounded in continuous integration; the seed repeats a run.
EFFORT ?= full
SEED := $(or $(SEED),$(shell date +%s))
# Milliseconds after which a test hangs.
limit_full := 5400000
limit_ci := 600000
export EFFORT SEED
programmes := test-model test-kill test-faults test-agent-faults test-live test-input test-overload test-stop test-poison test-limits soak
.PHONY: help run test check format docs key redrive test-agents bench prove ci $(programmes)

help: ## print the targets
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

# Anew whenever the lock file changes; a fresh clone has no stamp.
node_modules/.installed: package.json package-lock.json
	npm ci
	@touch $@

run: node_modules/.installed ## start everything on this machine and print where it listens
	@exec node services/local/main.ts

test: node_modules/.installed ## unit and integration tests; needs only npm
	node --test --test-timeout=180000 'test/*.test.ts' 'test/!(agents)/**/*.test.ts'

check: node_modules/.installed ## format, lint, types
	prettier --check --log-level warn .
	eslint .
	tsc -p .
	node docs/generate-events.ts --check

format: node_modules/.installed ## write the files as prettier wants them
	prettier --write --log-level warn .

key: node_modules/.installed ## make another API key: make key NAME=alice [ROLE=member]
	@node services/local/command.ts api/issue-key --name '$(NAME)' --role '$(or $(ROLE),member)'

redrive: node_modules/.installed ## give messages in the dead-letter queues another chance
	@node services/local/command.ts worker/redrive

test-agents: node_modules/.installed ## drive agents by other people, installed into .cache/agents
	node test/agents/install.ts
	node --test --test-timeout=300000 'test/agents/*.agents.test.ts'

test-model: ## every state of append, log, claim, lease and outcome: two workers, two tasks, a crash at each step
test-kill: ## kill -9 of every part, at random and around every append and outside call
test-faults: ## what AWS does on bad days, for every use case
test-agent-faults: ## every behaviour of the demo agent, in the composed system
test-live: ## the live channel: slow readers, restarts, two instances, revoked keys
test-input: ## every operation of the interface with everything it must refuse
test-overload: ## ten times what it can take
test-stop: ## SIGTERM at any moment
test-poison: ## messages that can never be worked on
test-limits: ## a full disk, no descriptors, a folder that cannot be written
soak: ## steady load for long: memory, descriptors and timers stay flat

$(programmes): node_modules/.installed
	node --test --test-concurrency=1 --test-timeout=$(limit_$(EFFORT)) 'test/proof/$(@:test-%=%)/*.proof.ts'

bench: node_modules/.installed ## measure, and write test/bench/results.md
	node test/bench/main.ts

prove: $(programmes) ## all of these programmes; EFFORT=ci bounds each to a few minutes at most

docs: node_modules/.installed ## write docs/events.md anew from the catalog
	node docs/generate-events.ts

# One after the other: every programme has figures that a neighbour would spoil.
ci: check test test-agents ## what continuous integration runs: all of the above, the programmes bounded
	$(MAKE) EFFORT=ci prove
