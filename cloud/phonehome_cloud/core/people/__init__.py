"""Who and what: owners and their appliances, technicians, parts, desks; pure."""
