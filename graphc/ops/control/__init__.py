"""Branches and loops: ops that own bodies (:mod:`graphc.ir.body`)."""
