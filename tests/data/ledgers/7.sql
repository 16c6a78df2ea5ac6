-- The ledger, version 7: an event for drift. Its functions are those of version 5.
-- a new kind of event
ALTER TABLE @ledger@.event DROP CONSTRAINT IF EXISTS event_kind;
ALTER TABLE @ledger@.event ADD CONSTRAINT event_kind CHECK (kind IN (
    'runStarted', 'runFinished', 'sealedPlan', 'beforeApply', 'begun', 'applied', 'rollbackBegun', 'rolledBack', 'restored', 'retried', 'failed', 'rollbackFailed', 'marked', 'cleared', 'renamed', 'adopted', 'upgraded', 'paused', 'resumed', 'cancelAsked', 'gateOverridden', 'hazardAllowed', 'policyChanged', 'policyRequired', 'rehearsalStarted', 'rehearsalFinished', 'refused', 'approved', 'rejected', 'headSigned', 'atticRestored', 'atticRestoreFailed', 'purged', 'purgeFailed', 'proven', 'driftChecked')) NOT VALID;
UPDATE @ledger@.meta SET value = '7' WHERE key = 'version';
