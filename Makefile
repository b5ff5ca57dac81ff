# The command surface. `make` alone prints it.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test check format docs key test-agents ci

help: ## print the targets
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

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
	@node services/local/issue-key.ts --name '$(NAME)' --role '$(or $(ROLE),member)'

test-agents: node_modules/.installed ## drive agents by other people, installed into .cache/agents
	node test/agents/install.ts
	node --test --test-timeout=300000 'test/agents/*.agents.test.ts'

docs: node_modules/.installed ## write docs/events.md anew from the catalog
	node docs/generate-events.ts

ci: check test test-agents ## what continuous integration runs
